"""`mixwright gc --stale-runs`: runs without a sign of life are marked, those that give one are left alone."""

from datetime import timedelta

import pytest
from support import here, start_server

from flows.gc import stale_runs


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    import os
    import signal

    started = start_server(tmp_path_factory.mktemp("stale"))
    yield started
    os.kill(started["pid"], signal.SIGTERM)


def test_stale_runs_are_marked(server, tiny, finished, monkeypatch):
    import time

    monkeypatch.setenv("PREFECT_API_URL", server["api"])
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.events import emit_event
    from prefect.events.worker import EventsWorker
    from prefect.states import Completed, Running

    @flow
    def nothing() -> None:
        """Never run."""

    with get_client(sync_client=True) as client:
        tags = {"silent": ["mixwright"], "alive": ["mixwright"], "other": ["another"], "ended": ["mixwright"]}
        runs = {name: client.create_flow_run(nothing, tags=tag, state=Running()).id for name, tag in tags.items()}
        client.set_flow_run_state(runs["ended"], Completed(), force=True)
        assert "0 stale runs" in here("gc", "experiment.yaml", "--stale-runs", folder=tiny).stdout
        monkeypatch.setattr(stale_runs, "SILENT", timedelta(seconds=4))
        time.sleep(4)
        emit_event(stale_runs.BEAT, resource={"prefect.resource.id": f"prefect.flow-run.{runs['alive']}"})
        EventsWorker.instance().drain()
        time.sleep(1)
        shown = here("gc", "experiment.yaml", "--stale-runs", folder=tiny)
        assert "1 stale runs on the Prefect server were marked as crashed" in shown.stdout, shown.stderr
        states = {name: client.read_flow_run(run).state for name, run in runs.items()}
        assert {name: state.name for name, state in states.items()} == {
            "silent": "Crashed", "alive": "Running", "other": "Running", "ended": "Completed",
        }  # fmt: skip
        assert "no sign of life" in states["silent"].message


def test_without_a_server(tiny, finished, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert "PREFECT_API_URL is not set" in here("gc", "experiment.yaml", "--stale-runs", folder=tiny).stderr
