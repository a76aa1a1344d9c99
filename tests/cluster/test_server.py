"""Against a Prefect server, the same command leaves its flow runs and the recommendation's artifact there."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime

from support import ROOT, mixwright, said_here


def ask(url: str, **wanted: object) -> list[dict]:
    """What a server's filter finds. It gives 200 of them at most, and not the newest: other tests leave more."""
    request = urllib.request.Request(url, json.dumps(wanted).encode(), {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=60).read())


def test_flow_runs_and_artifact_reach_the_server(tiny, finished, server):
    began = datetime.now(UTC).isoformat()
    done = mixwright("recommend", "experiment.yaml", "--json", folder=tiny, PREFECT_API_URL=server)
    assert json.loads(done.stdout) == finished
    runs = ask(f"{server}/flow_runs/filter", flow_runs={"start_time": {"after_": began}})
    assert len(runs) == 5  # run, prepare, swarm with draw-swarm, recommend
    assert {run["state"]["type"] for run in runs} == {"COMPLETED"}
    shown = ask(f"{server}/artifacts/filter", artifacts={"key": {"any_": ["recommended-mix"]}}, sort="CREATED_DESC")
    assert any(finished["id"] in artifact["data"] for artifact in shown)


def test_a_schedule_starts_runs_by_itself(tiny, finished, server, tmp_path):
    said = tmp_path / "service.log"
    ended = {"deployment_id": {"is_null_": False}, "state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}
    with said.open("w") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "schedule", "experiment.yaml", "--every", "5"], cwd=tiny,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 300  # a server looks for due runs, and a runner for work, every few seconds
        while True:
            runs = ask(f"{server}/flow_runs/filter", flow_runs=ended)
            assert {run["state"]["type"] for run in runs} <= {"COMPLETED"}, said.read_text()
            if runs:
                break
            assert service.poll() is None, said.read_text()
            assert time.monotonic() < deadline, f"no scheduled run was completed\n{said.read_text()}"
            time.sleep(1)
        assert runs[0]["auto_scheduled"]
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(timeout=60)


def test_a_schedule_needs_a_server_and_a_time(tiny, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    for words, line in (
        (("--every", "5"), "PREFECT_API_URL is not set"),
        ((), "either --cron or --every"),
    ):
        assert line in said_here(tiny, "schedule", "experiment.yaml", *words)
