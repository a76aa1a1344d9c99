"""Against a Prefect server, the same command leaves its flow runs and the recommendation's artifact there."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

from asking import asked
from support import ROOT, mixwright, said_here


def ask(url: str, **wanted: object) -> list[dict]:
    """What a server's filter finds. It gives 200 of them at most, and not the newest: other tests leave more."""
    return asked(url, wanted)


def test_flow_runs_and_artifact_reach_the_server(tiny, finished, server):
    began = datetime.now(UTC).isoformat()
    done = mixwright("recommend", "experiment.yaml", "--json", folder=tiny, PREFECT_API_URL=server)
    assert json.loads(done.stdout) == finished
    runs = ask(f"{server}/flow_runs/filter", flow_runs={"start_time": {"after_": began}})
    assert len(runs) == 5  # run, prepare, swarm with draw-swarm, recommend
    assert {run["state"]["type"] for run in runs} == {"COMPLETED"}
    (shown,) = left(server, "recommended-mix")
    assert finished["id"] in shown["data"]
    assert shown["type"] == "markdown"


def left(server: str, key: str) -> list[dict]:
    """The latest artifact of a key."""
    return ask(f"{server}/artifacts/filter", artifacts={"key": {"any_": [key]}}, sort="CREATED_DESC", limit=1)


def test_tables_of_the_mix_and_its_scores(tiny, finished, server):
    (mix,), (scores,) = left(server, "recommended-weights"), left(server, "recommended-scores")
    assert {mix["type"], scores["type"]} == {"table"}
    rows = {row["domain"]: row for row in json.loads(mix["data"])}
    assert rows.keys() == finished["mix"].keys()
    assert rows["code"]["recommended"] == f"{finished['mix']['code']:.1%}"
    assert {row["family"] for row in json.loads(scores["data"])} == finished["verdict"].keys()
    assert finished["id"] in scores["description"]


def test_a_report_leaves_the_verdict_and_a_link(tiny, finished, server):
    mixwright(
        "report", "experiment.yaml", "--out", "(a) report.html", "--no-figures", folder=tiny, PREFECT_API_URL=server
    )
    (verdict,), (link,) = left(server, "report"), left(server, "report-page")
    assert "predicted" in verdict["data"]
    assert link["data"] == f"[(a) report.html]({(tiny / '(a) report.html').as_uri()})"
    assert " " not in link["data"].partition("](")[2]


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
