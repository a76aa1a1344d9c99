"""Flows and tasks: Prefect's where a server is named, plain calls in this process elsewhere.

Which of the two is decided at each call. Without a server Prefect is not even imported, since a server of its own would
take seconds to start and would outlive a driver that is killed. A flow or task on a server has Prefect's records, and a
task is tried once more after five seconds, unless the mistake is the user's. A plain call fails at once: the user sees
the error, and the same command goes on where it was.

The server records the work and never decides over it. One that is not there at the start is the user's mistake. One
that stops answering later is reported once; from then on calls are plain, until it answers again, and what ran under it
is not run again.
"""

import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flows.errors import INPUT_ERRORS, ExperimentError
from flows.server import Server, check_server, named_server, why_silent
from flows.show.progress import note, progress_words
from mixes.show.markdown import escaped
from mixes.show.secrets import masked, masked_all

P = ParamSpec("P")
R = TypeVar("R")
RETRY_AFTER = 5  # seconds
ASKED_AGAIN = 30  # seconds after which a server that was silent is asked whether it is back
UPDATED_EVERY = 10.0  # seconds between updates of a progress artifact (assumed: a page is looked at no oftener)
BRIEF = {"PREFECT_CLIENT_MAX_RETRIES": "1", "PREFECT_API_REQUEST_TIMEOUT": "15"}  # what a silent server may cost

Engine = Callable[[Callable[..., Any]], Callable[..., Any]]  # Prefect's flow or task


def flow(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a flow of that name where a server is named."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        def engine(work: Callable[..., Any]) -> Callable[..., Any]:
            import prefect

            return prefect.flow(name=name, log_prints=False, validate_parameters=False)(work)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if not _is_recording():
                return function(*args, **kwargs)
            check_server(named_server())
            return _recorded(engine, function, *args, **kwargs)

        return call

    return decorate


def run_task(name: str, work: Callable[[], R]) -> R:
    """Do the work, as a task of that name where a server is named."""
    if not _is_recording():
        return work()

    def engine(work: Callable[..., Any]) -> Callable[..., Any]:
        import prefect

        return prefect.task(
            name=name, retries=1, retry_delay_seconds=RETRY_AFTER, retry_condition_fn=_worth_retrying,
            persist_result=False,
        )(work)  # fmt: skip

    return _recorded(engine, work)


def publish(key: str, markdown: str, description: str) -> None:
    """Leave markdown on the server, where one is named. Names from data are escaped by the caller."""

    def create() -> None:
        from prefect.artifacts import create_markdown_artifact

        create_markdown_artifact(masked(markdown), key=key, description=masked(description))

    _leave(create)


def publish_table(key: str, rows_of: Callable[[], list[dict[str, Any]]], description: str) -> None:
    """Leave a table where a server is named: one dictionary per row, column → cell."""

    def create() -> None:
        from prefect.artifacts import create_table_artifact

        create_table_artifact(masked_all(rows_of()), key=key, description=description)

    _leave(create)


def publish_link(key: str, address: str, text: str, description: str) -> None:
    """Leave a link on the server."""

    def create() -> None:
        from prefect.artifacts import create_link_artifact

        create_link_artifact(address, link_text=escaped(text), key=key, description=description)

    _leave(create)


@contextmanager
def published_progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Yields `report(done, total)`, which keeps a progress artifact up to date where a server is named."""
    artifact: list[Any] = []  # its id, once it is there
    started, last, first = time.monotonic(), [float("-inf")], [-1]

    def report(done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] < UPDATED_EVERY and done < total:
            return
        last[0], first[0] = now, done if first[0] < 0 else first[0]
        words = progress_words(done, total, done - first[0], now - started)

        def update() -> None:
            from prefect.artifacts import create_progress_artifact, update_progress_artifact

            share = 100.0 * done / total if total else 0.0
            if artifact:
                update_progress_artifact(artifact[0], share, description=words)
            else:
                key = re.sub(r"[^a-z0-9]+", "-", f"progress-{name}".lower()).strip("-")
                artifact.append(create_progress_artifact(share, key=key, description=words))

        _leave(update)

    yield report


def tell(event: str, resource: str, payload: dict[str, str], labels: dict[str, str]) -> None:
    """Emit an event of Prefect, which automations can react to, where a server is named. labels: of the resource."""

    def create() -> None:
        from prefect.events import emit_event

        emit_event(event, resource={"prefect.resource.id": resource, **labels}, payload=masked_all(payload))

    _leave(create)


def _leave(create: Callable[[], None]) -> None:
    """Create an artifact where a server is named; one that does not answer is reported once."""
    if not _is_recording():
        return
    try:
        create()
    except Exception as error:  # whatever a client raises where a server does not answer
        _lose(_first_line(error))


_lost: dict[str, float] = {}  # addresses of servers that stopped answering this process, and when each was asked last


def is_lost() -> bool:
    """Whether a server stopped answering. What Prefect still holds for it would be sent in vain, for minutes."""
    return bool(_lost)


def _is_recording() -> bool:
    """Whether a server is named that answers, or that was never asked."""
    server = named_server()
    if server is None or (server.address in _lost and not _is_back(server)):
        return False
    if "prefect" in sys.modules and (reason := why_silent(server)):  # asked before: then it answered
        _lose(reason)
        return False
    return True


def _is_back(server: Server) -> bool:
    """Whether a server that stopped answering answers again, as one that was restarted does; asked now and then."""
    if time.monotonic() - _lost.get(server.address, 0.0) < ASKED_AGAIN:
        return False
    _lost[server.address] = time.monotonic()
    if why_silent(server, patience=2):
        return False
    _lost.pop(server.address, None)
    note("prefect", f"{server.address} answers again: what follows is recorded there")
    return True


def _recorded(engine: Engine, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the function under Prefect's engine, and without it where only the engine fails."""
    for name, value in BRIEF.items():
        os.environ.setdefault(name, value)
    values: list[R] = []
    errors: list[BaseException] = []

    @wraps(function)
    def work(*args: P.args, **kwargs: P.kwargs) -> R:
        errors.clear()
        try:
            values.append(function(*args, **kwargs))
        except BaseException as error:
            errors.append(error)
            if (shown := _shown(error)) is error:
                raise
            raise shown from None
        return values[0]

    try:
        return engine(work)(*args, **kwargs)
    except Exception as error:
        if errors:
            raise errors[0] from None
        _lose(_first_line(error))
    return values[0] if values else function(*args, **kwargs)


def _shown(error: BaseException) -> BaseException:
    """An error as Prefect may log it, with its traceback; without secrets of addresses in its text or its causes'."""
    text = "".join(traceback.format_exception(error))
    if masked(text) == text or not isinstance(error, Exception):
        return error
    kind = ExperimentError if isinstance(error, INPUT_ERRORS) else RuntimeError
    return kind(masked(f"{type(error).__name__}: {error}"))


def _lose(reason: str) -> None:
    """Report once that nothing is recorded any more."""
    server = named_server()
    if server and server.address not in _lost:
        _lost[server.address] = time.monotonic()
        note("prefect", f"{server.address} does not answer ({reason}): the work goes on and is not recorded there")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _worth_retrying(task: Any, run: Any, state: Any) -> bool:
    """False for bad input, which a second try would only repeat."""
    try:
        state.result()
    except INPUT_ERRORS:
        return False
    except Exception:  # any other failure of a stage
        return True
    return False
