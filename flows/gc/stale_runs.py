"""Runs of Prefect that nobody works on any more, marked as crashed."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flows.deploy.watch import BEAT
from flows.errors import ExperimentError
from flows.server import check_server, named_server

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

TAG = "mixwright"  # every run of a deployment has it
SILENT = timedelta(hours=1)  # without a sign of life
PAGE = 200  # runs that the server is asked for at once


def flush_stale_runs() -> int:
    """Mark runs that are running or pending without a sign of life for an hour as crashed; returns how many.

    Raises:
        ExperimentError: no server is named, or it does not answer.
    """
    server = named_server()
    if server is None:
        raise ExperimentError("gc: PREFECT_API_URL is not set — set it to the server whose stale runs are to be marked")
    check_server(server)
    from prefect.client.orchestration import get_client
    from prefect.states import Crashed

    message = f"no sign of life for {SILENT.total_seconds() / 3600:g} h: marked by mixwright gc --stale-runs"
    before = datetime.now(UTC) - SILENT
    count = 0
    with get_client(sync_client=True) as client:
        for run in _unfinished(client):
            if _last_sign(run) < before and not _has_beaten(client, run.id, before):
                client.set_flow_run_state(run.id, Crashed(message=message), force=True)
                count += 1
    return count


def _unfinished(client: "SyncPrefectClient") -> list[Any]:
    """Runs of deployments of mixwright, and flows within them, that are running or pending."""
    from prefect.client.schemas.filters import (
        FlowRunFilter,
        FlowRunFilterState,
        FlowRunFilterStateType,
        FlowRunFilterTags,
    )
    from prefect.client.schemas.objects import StateType

    states = FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[TAG]), state=FlowRunFilterState(type=states))
    runs: list[Any] = []
    while len(page := client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(runs))) == PAGE:
        runs += page
    return runs + page


def _last_sign(run: Any) -> datetime:
    """When its state changed last."""
    return run.state.timestamp if run.state else run.updated


def _has_beaten(client: "SyncPrefectClient", run: UUID, since: datetime) -> bool:
    """Whether a heartbeat of the run is recorded since then."""
    wanted = {
        "filter": {
            "occurred": {"since": since.isoformat(), "until": datetime.now(UTC).isoformat()},
            "event": {"name": [BEAT]},
            "resource": {"id": [f"prefect.flow-run.{run}"]},
        },
        "limit": 1,
    }
    answer = client._client.post("/events/filter", json=wanted)
    answer.raise_for_status()
    return bool(answer.json()["events"])
