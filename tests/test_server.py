"""Against a Prefect server, the same command leaves its flow runs and the recommendation's artifact there."""

import json
import urllib.request

from conftest import mixwright


def ask(url: str) -> list[dict]:
    request = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request, timeout=10).read())


def test_flow_runs_and_artifact_reach_the_server(tiny, finished, server):
    before = {run["id"] for run in ask(f"{server}/flow_runs/filter")}
    done = mixwright("recommend", "experiment.yaml", "--json", folder=tiny, PREFECT_API_URL=server)
    assert json.loads(done.stdout) == finished
    runs = [run for run in ask(f"{server}/flow_runs/filter") if run["id"] not in before]
    assert len(runs) == 4  # run, prepare, swarm, recommend
    assert {run["state"]["type"] for run in runs} == {"COMPLETED"}
    artifacts = ask(f"{server}/artifacts/filter")
    shown = [artifact for artifact in artifacts if artifact["key"] == "recommended-mix"]
    assert any(finished["id"] in artifact["data"] for artifact in shown)
