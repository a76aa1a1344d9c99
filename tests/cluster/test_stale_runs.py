"""`mixwright gc --stale-runs`: runs without a sign of life are marked, those that give one are left alone."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from support import here, start_server

from flows.gc import stale_runs

SILENT = timedelta(seconds=20)


@pytest.fixture
def api(monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    started = start_server()
    monkeypatch.setenv("PREFECT_API_URL", started["api"])  # ours reads it; Prefect has read it, if anybody asked
    with temporary_settings({PREFECT_API_URL: started["api"]}):
        yield started["api"]
    os.kill(started["pid"], signal.SIGTERM)


def beat(client, run) -> None:
    """Send a sign of life as Prefect's engine does, and wait until the server knows of it."""
    event = {
        "event": stale_runs.BEAT,
        "occurred": datetime.now(UTC).isoformat(),
        "id": str(run),  # any that is new
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
    }
    client._client.post("/events", json=[event]).raise_for_status()
    while not stale_runs._has_beaten(client, run, datetime.now(UTC) - SILENT):
        time.sleep(0.2)


def test_stale_runs_are_marked(api, tiny, finished, monkeypatch):
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.states import Completed, Running

    @flow
    def nothing() -> None:
        """Never run."""

    with get_client(sync_client=True) as client:
        tags = {"silent": ["mixwright"], "alive": ["mixwright"], "other": ["another"], "ended": ["mixwright"]}
        runs = {name: client.create_flow_run(nothing, tags=tag, state=Running()).id for name, tag in tags.items()}
        client.set_flow_run_state(runs["ended"], Completed(), force=True)
        assert "0 stale runs" in here("gc", "experiment.yaml", "--stale-runs", folder=tiny).stdout
        time.sleep(SILENT.total_seconds())
        monkeypatch.setattr(stale_runs, "SILENT", SILENT)
        beat(client, runs["alive"])
        assert stale_runs.flush_stale_runs() == 1
        states = {name: client.read_flow_run(run).state for name, run in runs.items()}
        assert {name: state.name for name, state in states.items()} == {
            "silent": "Crashed", "alive": "Running", "other": "Running", "ended": "Completed",
        }  # fmt: skip
        assert "no sign of life" in states["silent"].message


def test_without_a_server(tiny, finished, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert "PREFECT_API_URL is not set" in here("gc", "experiment.yaml", "--stale-runs", folder=tiny).stderr
