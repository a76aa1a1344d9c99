"""Deployments on a real server, run by a real worker: by schedule and by hand, and when worker and machine die."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from functools import cache

import pytest
import yaml
from asking import WAIT, asked, until
from support import ROOT, mixwright, only_line, said_here, start_server

POOL = "mixwright"


@pytest.fixture(scope="module")
def server():
    """A server of this file's own, on which a run that waits for its turn asks again soon."""
    running = start_server(PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS="5")
    yield running["api"]
    os.kill(running["pid"], signal.SIGTERM)


def ask(server: str, path: str, **wanted: object) -> list[dict]:
    return asked(f"{server}/{path}", wanted)


def deployment(server: str, flow: str) -> dict:
    known = {one["id"]: one["name"] for one in ask(server, "flows/filter")}
    return next(one for one in ask(server, "deployments/filter") if known[one["flow_id"]] == flow)


@cache
def id_of(server: str, flow: str) -> str:
    return deployment(server, flow)["id"]


def runs_of(server: str, flow: str, *states: str) -> list[dict]:
    """Runs of a deployment in these states, in the order in which they got there."""
    wanted = {"deployment_id": {"any_": [id_of(server, flow)]}, "state": {"type": {"any_": list(states)}}}
    return sorted(ask(server, "flow_runs/filter", flow_runs=wanted), key=lambda run: run["state"]["timestamp"])


def start_run(server: str, flow: str, tags: tuple[str, ...] = (), **parameters) -> str:
    place = f"deployments/{id_of(server, flow)}/create_flow_run"
    return ask(server, place, parameters=parameters, tags=tags)["id"]


def ended(server: str, run: str) -> dict:
    """The state in which a run ends."""
    over = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return until(lambda: (now := state_of(server, run))["type"] in over and now, f"run {run} ends")


def state_of(server: str, run: str) -> dict:
    return asked(f"{server}/flow_runs/{run}")["state"]


@contextmanager
def worker(server: str, folder, pool: str = POOL):
    """A worker of the pool, in a session of its own."""
    log = (folder / "worker.log").open("a")
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--limit", "3"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server, "PREFECT_WORKER_QUERY_SECONDS": "3"},
        cwd=folder, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(WAIT)


def changed_file(tiny, **deploy) -> None:
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "experiment.yaml").write_text(yaml.safe_dump({**content, "deploy": deploy}))


def deploy(tiny, server, *words: str) -> str:
    return mixwright("deploy", "experiment.yaml", *words, folder=tiny, PREFECT_API_URL=server).stdout


def test_an_interval_fires_and_the_second_run_is_all_from_cache(tiny, server):
    said = deploy(tiny, server, "--every", "30")
    assert "Work pool mixwright (process) made." in said
    with worker(server, tiny):
        until(lambda: runs_of(server, "optimise-blend", "RUNNING"), "the first run starts")
        due = ended(server, start_run(server, "optimise-blend", ("auto-scheduled",)))  # while the first one runs
        first, second = until(
            lambda: done[:2] if len(done := runs_of(server, "optimise-blend", "COMPLETED")) > 1 else None,
            "two runs end",
        )
    assert due["type"] == "CANCELLED"
    assert "does the same" in due["message"]
    assert first["auto_scheduled"]
    assert second["auto_scheduled"]
    recorded = len(list((tiny / "work" / "records" / "runs").glob("*.parquet")))
    trained_after = [
        file
        for file in (tiny / "work" / "records" / "runs").glob("*.parquet")
        if file.stat().st_mtime > seconds(second["start_time"])
    ]
    assert recorded == 15
    assert trained_after == []
    assert second["total_run_time"] < first["total_run_time"]
    logged = ask(server, "logs/filter", logs={"flow_run_id": {"any_": [first["id"]]}}, limit=200)
    assert any(line["message"].startswith("train ") for line in logged)
    keys = {one["key"] for one in ask(server, "artifacts/latest/filter")}
    assert {"progress-filter", "progress-train", "corpus-funnel", "recommended-mix"} <= keys
    (shown,) = ask(server, "artifacts/filter", artifacts={"key": {"any_": ["progress-filter"]}}, limit=1)
    assert shown["data"] == 100.0


def seconds(stamp: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def test_a_cron_schedule_is_listed_in_its_zone_and_others_keep_theirs(tiny, server):
    said = deploy(tiny, server, "--flow", "refresh", "--cron", "30 3 * * *", "--timezone", "Asia/Kolkata")
    assert said.count("03:30:00 IST") == 3
    assert "every 30 s" in said
    schedules = deployment(server, "refresh")["schedules"]
    assert [one["schedule"]["timezone"] for one in schedules] == ["Asia/Kolkata"]
    assert "every 30 s" not in deploy(tiny, server)  # the file has none
    assert deployment(server, "optimise-blend")["schedules"] == []


def test_a_run_by_hand_takes_what_the_form_gives_and_a_mistake_is_one_line(tiny, server):
    deploy(tiny, server)
    with worker(server, tiny):
        good = start_run(server, "recommend-mix", target={"code": 1.0}, max_epochs=6)
        wrong = start_run(server, "recommend-mix", target={"cod": 1.0})
        away = start_run(server, "recommend-mix", experiment="experiment.yaml")
        looked = start_run(server, "refresh")
        good, wrong, away, looked = (ended(server, run) for run in (good, wrong, away, looked))
    assert good["type"] == "COMPLETED"
    asked = mixwright("sql", "experiment.yaml", "select target_text from recommendations order by number", folder=tiny)
    assert "code" in asked.stdout.splitlines()[-2]
    assert "did you mean 'code'" in wrong["message"]
    assert "is a relative path" in away["message"]
    assert looked["type"] == "COMPLETED"
    assert mixwright("sql", "experiment.yaml", "select verdict from refreshes", folder=tiny).stdout.count("unchanged")


def test_a_dead_machine_is_noticed_and_the_next_run_finishes_the_work(tiny, server):
    changed_file(tiny, lost_after=90)
    (tiny / "experiment.yaml").write_text((tiny / "experiment.yaml").read_text().replace("work: work", "work: anew"))
    deploy(tiny, server)
    with worker(server, tiny) as process:
        first = start_run(server, "prepare-corpus")
        until(lambda: state_of(server, first)["type"] == "RUNNING", "the run starts")
        until(lambda: list((tiny / "anew" / "stages").glob("filter-*")), "the first stage ends")
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        os.killpg(process.pid, signal.SIGKILL)
        for child in children:  # runs are sessions of their own
            os.killpg(int(child), signal.SIGKILL)
        process.wait(30)
    assert state_of(server, first)["type"] == "RUNNING"
    with worker(server, tiny):
        second = start_run(server, "prepare-corpus")
        lost, done = ended(server, first), ended(server, second)
    assert lost["type"] == "CRASHED"
    assert "no sign of life for 90 s" in lost["message"]
    assert done["type"] == "COMPLETED"


def test_the_written_file_registers_the_same(tiny, server):
    mixwright("deploy", "experiment.yaml", "--out", "prefect.yaml", "--every", "600", folder=tiny)
    before = {one["name"]: one for one in ask(server, "deployments/filter")}
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "prefect.yaml"],
        cwd=tiny, env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server}, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    after = {one["name"]: one for one in ask(server, "deployments/filter")}
    assert after.keys() == before.keys()
    written = deployment(server, "optimise-blend")
    assert [one["schedule"]["interval"] for one in written["schedules"]] == [600.0]
    for field in ("entrypoint", "parameters", "tags", "work_pool_name", "job_variables", "global_concurrency_limit"):
        for name, one in before.items():
            mine, theirs = one[field], after[name][field]
            if field == "global_concurrency_limit":
                mine, theirs = mine["limit"], theirs["limit"]
            assert mine == theirs, (name, field)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--cron", "0 3 * * 99"), "is no cron expression"),
        (("--cron", "0 3 * * *", "--timezone", "Europa/Berlin"), "did you mean 'Europe/Berlin'"),
        (("--every", "60", "--flow", "refesh"), "did you mean 'refresh'"),
    ],
)
def test_mistakes(tiny, server, monkeypatch, words, line):
    monkeypatch.setenv("PREFECT_API_URL", server)
    assert line in said_here(tiny, "deploy", "experiment.yaml", *words)


def test_a_pool_that_the_server_does_not_have(tiny, server):
    done = mixwright(
        "deploy", "experiment.yaml", "--pool", "nosuch", folder=tiny, expect=2, PREFECT_API_URL=server
    )  # fmt: skip
    assert "the server has no work pool 'nosuch'" in only_line(done)
