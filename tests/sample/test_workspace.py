"""A work folder in a program: its swarm gives what the flow recommended."""

import subprocess
import sys

import pytest
from support import ROOT

import flows
import mixes
from flows.errors import ExperimentError
from flows.experiment import load_experiment

pytestmark = pytest.mark.sample


@pytest.fixture(scope="module")
def workspace(tiny, finished) -> flows.Workspace:
    return flows.open_workspace(tiny / "work")


def test_its_swarm_gives_the_same_recommendation(tiny, finished, workspace):
    asked = load_experiment(tiny / "experiment.yaml").recommend
    swarm = workspace.swarm
    best = mixes.recommend(
        swarm,
        target=asked.target,
        budget=asked.budget,
        max_epochs=asked.max_epochs,
        pull=asked.pull,
        law=asked.law,
        replicates=asked.replicates,
        coverage=asked.coverage,
        seed=workspace.seed,
    )
    assert best.mix == pytest.approx(finished["mix"], abs=1e-12)
    assert {name: list(ends) for name, ends in best.intervals.items()} == finished["intervals"]
    assert best.verdict == finished["verdict"]


def test_what_it_holds(finished, workspace):
    assert finished["id"] in workspace.recommendations()["recommendation"].to_list()
    assert workspace.sql("select count(*) as runs from runs")["runs"][0] == len(workspace.swarm)
    assert "recommendation" in repr(workspace)
    with pytest.raises(ExperimentError, match="only SELECT is allowed"):
        workspace.sql("delete from runs")


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(ExperimentError, match=r"holds no catalog.duckdb — give the `work:` folder"):
        flows.open_workspace(tmp_path)


def test_neither_torch_nor_prefect_is_imported(tiny, finished):
    code = (
        "import sys, flows; flows.open_workspace(sys.argv[1]).swarm; "
        "print({'torch', 'prefect', 'datatrove'} & set(sys.modules))"
    )
    words = [sys.executable, "-c", code, str(tiny / "work")]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == "set()"
