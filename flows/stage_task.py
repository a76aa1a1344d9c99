"""The kind of Prefect task that a stage is: tried once more, unless the mistake is the user's."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task

from flows.errors import INPUT_ERRORS

P = ParamSpec("P")
R = TypeVar("R")
RETRY_AFTER = 5  # seconds


def worth_retrying(task: Any, run: Any, state: Any) -> bool:
    """False for bad input, which a second try would only repeat."""
    try:
        state.result()
    except INPUT_ERRORS:
        return False
    except Exception:  # whatever else a stage died of
        return True
    return False


def stage_task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorates one call of the floor below."""
    return task(
        name=name, retries=1, retry_delay_seconds=RETRY_AFTER, retry_condition_fn=worth_retrying, persist_result=False
    )
