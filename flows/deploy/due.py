"""Runs that fall due while another one runs are cancelled: that one does what they would do.

They would wait for their turn, as they must not be cancelled where the run that they wait for is dead. But a schedule
that is faster than its runs piles them up, and each asks the server for its turn again and again (measured: fifty of
them kept a worker so busy that nothing else went on).
"""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

EVERY = 15  # seconds


@contextmanager
def only_run_that_is_due() -> Iterator[None]:
    """While the block runs, other runs of this deployment with the same parameters are cancelled as they fall due."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    own = context.flow_run if context else None
    if own is None or own.deployment_id is None:
        yield
        return
    ended = threading.Event()
    carried = contextvars.copy_context()  # Prefect's: which server
    threading.Thread(target=carried.run, args=(_cancel_until, ended, own), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _cancel_until(ended: threading.Event, own: "FlowRun") -> None:
    while True:
        with suppress(Exception):  # a server that does not answer now may do so next time
            _cancel_due(own)
        if ended.wait(EVERY):
            return


def _cancel_due(own: "FlowRun") -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.states import Cancelled

    due = {
        "deployment_id": {"any_": [own.deployment_id]},
        "state": {"type": {"any_": ["SCHEDULED"]}},
        "expected_start_time": {"before_": datetime.now(UTC).isoformat()},
        "tags": {"all_": ["auto-scheduled"]},
    }
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(due)):
            if run.parameters == own.parameters:
                client.set_flow_run_state(run.id, Cancelled(message=f"{own.name} does the same"), force=True)
