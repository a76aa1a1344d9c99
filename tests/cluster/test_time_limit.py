"""A run that takes longer than `timeout_hours` is cancelled with all of its processes, and the next one goes on.

It waits for a file that never comes and does not heed SIGTERM, so Prefect kills it after 30 seconds.
"""

import os
import subprocess
import sys
import threading
import time

import psutil
import yaml
from asking import WAIT, asked, until
from support import ROOT, mixwright

LIMIT = 12  # seconds
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


def ask(server: str, path: str, content: object = None):
    return asked(f"{server}/{path}", content)


class Held(dict):
    """Files that are sent to nobody until they are released."""

    def __init__(self, **files: bytes) -> None:
        super().__init__(**files)
        self.released = threading.Event()

    def get(self, name: str, default=None):
        self.released.wait(WAIT)
        return super().get(name, default)


def deploy(tiny, server: str, seconds: float | None, books: str) -> str:
    """Id of the deployment of `prepare-corpus` with a time limit."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"] = {"books": {"path": books, "format": "jsonl", "filters": False}}
    del content["quality"], content["topics"]
    content["deploy"] = {"timeout_hours": seconds / 3_600 if seconds else None}
    (tiny / "limited.yaml").write_text(yaml.safe_dump({**content, "work": "limited"}))
    mixwright("deploy", "limited.yaml", folder=tiny, PREFECT_API_URL=server)
    (flow,) = (one["id"] for one in ask(server, "flows/filter", {}) if one["name"] == "prepare-corpus")
    return next(one["id"] for one in ask(server, "deployments/filter", {}) if one["flow_id"] == flow)


def run(server: str, deployment: str) -> dict:
    """The state in which a run of a deployment ends."""
    started = ask(server, f"deployments/{deployment}/create_flow_run", {})["id"]
    return until(lambda: (now := ask(server, f"flow_runs/{started}")["state"])["type"] in ENDED and now, "a run ends")


def test_a_run_that_takes_too_long_ends_and_the_next_one_goes_on(tiny, server, web):
    web.files = Held(**{"a.jsonl.zst": (tiny / "books" / "a.jsonl.zst").read_bytes()})
    books = f"{web.url}/a.jsonl.zst"
    deployment = deploy(tiny, server, LIMIT, books)
    with (tiny / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", "mixwright"], cwd=tiny, stdout=log,
            stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server,
                             "PREFECT_WORKER_QUERY_SECONDS": "2"},
        )  # fmt: skip
    try:
        assert run(server, deployment)["type"] == "CANCELLED", (tiny / "worker.log").read_text()
        own = psutil.Process(worker.pid)
        deadline = time.monotonic() + WAIT
        while [child for child in own.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]:
            assert time.monotonic() < deadline, "its processes go on"
            time.sleep(0.5)
        kept = {stage.name: stage.stat().st_mtime_ns for stage in (tiny / "limited" / "stages").glob("[!.]*-*")}
        web.files.released.set()
        deploy(tiny, server, None, books)
        assert run(server, deployment)["type"] == "COMPLETED"
    finally:
        worker.terminate()
        worker.wait(60)
    stages = {stage.name: stage.stat().st_mtime_ns for stage in (tiny / "limited" / "stages").glob("[!.]*-*")}
    assert {name: stages[name] for name in kept} == kept, "what was finished is not made again"
    assert [name for name in stages if name.startswith("pool-")]
