"""The kind of Prefect task that a stage is: tried once more, unless the mistake is the user's."""

from functools import partial
from typing import Any

from prefect import task

from flows.errors import INPUT_ERRORS

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


stage_task = partial(task, retries=1, retry_delay_seconds=RETRY_AFTER, retry_condition_fn=worth_retrying)
