"""Against a Prefect server, the same command leaves its flow runs and the recommendation's artifact there."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import mixwright


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"],
        env={**os.environ, "PREFECT_HOME": str(tmp_path_factory.mktemp("server"))},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    api = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"{api}/health", timeout=2).read()
                break
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.3)
        yield api
    finally:
        process.terminate()
        process.wait(timeout=30)


def ask(url: str) -> list[dict]:
    request = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def test_flow_runs_and_artifact_reach_the_server(tiny, finished, server):
    done = mixwright("recommend", "experiment.yaml", "--json", folder=tiny, PREFECT_API_URL=server)
    assert json.loads(done.stdout) == finished
    runs = ask(f"{server}/flow_runs/filter")
    assert len(runs) == 4  # run, prepare, swarm, recommend
    assert {run["state"]["type"] for run in runs} == {"COMPLETED"}
    artifacts = ask(f"{server}/artifacts/filter")
    shown = [artifact for artifact in artifacts if artifact["key"] == "recommended-mix"]
    assert finished["id"] in shown[0]["data"]
