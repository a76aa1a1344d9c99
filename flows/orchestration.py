"""Flows and tasks: Prefect's where a server is named, plain calls in this process elsewhere.

Which of the two is decided at each call. Without a server Prefect is not even imported, since a server of its own would
take seconds to start and would outlive a driver that is killed. A flow or task on a server has Prefect's records, and a
task is tried once more after five seconds, unless the mistake is the user's. A plain call fails at once: the user sees
the error, and the same command goes on where it was.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from flows.errors import INPUT_ERRORS
from flows.server import check_server, named_server

P = ParamSpec("P")
R = TypeVar("R")
RETRY_AFTER = 5  # seconds


def flow(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a flow of that name where a server is named."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @cache
        def on_server() -> Callable[P, R]:
            import prefect

            return prefect.flow(name=name, log_prints=False, validate_parameters=False)(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            server = named_server()
            if server is None:
                return function(*args, **kwargs)
            check_server(server)
            return on_server()(*args, **kwargs)

        return call

    return decorate


def run_task(name: str, work: Callable[[], R]) -> R:
    """Do the work, as a task of that name where a server is named."""
    if named_server() is None:
        return work()
    import prefect

    def call() -> R:
        return work()

    task = prefect.task(
        name=name, retries=1, retry_delay_seconds=RETRY_AFTER, retry_condition_fn=_worth_retrying, persist_result=False
    )
    return task(call)()


def publish(key: str, markdown: str, description: str) -> None:
    """Leave an artifact on the server, where one is named."""
    if named_server() is None:
        return
    from prefect.artifacts import create_markdown_artifact

    create_markdown_artifact(markdown, key=key, description=description)


def _worth_retrying(task: Any, run: Any, state: Any) -> bool:
    """False for bad input, which a second try would only repeat."""
    try:
        state.result()
    except INPUT_ERRORS:
        return False
    except Exception:  # any other failure of a stage
        return True
    return False
