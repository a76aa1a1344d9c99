"""Mixes go out for proxies trained elsewhere, and their scores come back as the same evidence."""

import json
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml
from support import mixwright, said_here

from flows.experiment import load_experiment
from mixes.runs import Run, Runs
from mixes.tables.read import read_swarm, read_table
from pipeline.pool.pool import Pool


@pytest.fixture(scope="module")
def trained(tiny, finished) -> Runs:
    """The finished experiment's runs, as its catalog has them."""
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select run, mix, weights from runs").fetchall()
        scores = catalog.sql("select run, task, bpb from scores where kind = 'task'").fetchall()
    of = {run: {task: bpb for other, task, bpb in scores if other == run} for run, *_ in rows}
    return Runs([Run(run, mix, json.loads(weights), of[run]) for run, mix, weights in rows])


@pytest.fixture(scope="module")
def exported(tiny, trained):
    """The experiment's mixes, and beside them its own scores, as if they had been measured elsewhere."""
    folder = tiny / "export"
    (folder / "megatron").mkdir(parents=True)
    for name in ("mixes.json", "metrics.csv", "megatron/run-of-old.txt"):  # an older export, and what came back to it
        (folder / name).write_text("old")
    mixwright("swarm", "experiment.yaml", "--export", "export", folder=tiny)
    assert not (folder / "megatron" / "run-of-old.txt").exists()
    assert (folder / "metrics.csv").read_text() == "old"
    rows = [{"run": run.id, **dict(run.scores)} for run in reversed(trained.runs)]
    pl.DataFrame(rows).write_csv(folder / "metrics.csv")
    return folder


def test_a_round_trip_gives_the_same_runs(exported, trained):
    found = read_swarm(
        read_table(exported / "ratios.csv"), str(exported / "metrics.csv"), exported / "families.yaml"
    ).runs
    assert (found.ids, found.domains, found.tasks) == (trained.ids, trained.domains, trained.tasks)
    assert np.array_equal(found.weights(), trained.weights())
    assert np.array_equal(found.scores(), trained.scores())
    groups, wanted = ({group.ids for group in runs.replicates()} for runs in (found, trained))
    assert groups == wanted  # mixes have other names, so another order


def test_every_form_holds_the_same_weights(exported, tiny):
    mixes = json.loads((exported / "mixes.json").read_text())["runs"]
    pool = load_experiment(tiny / "experiment.yaml").folder / "stages"
    made = Pool(next(pool.glob("pool-*")))
    domain_of = {path.resolve(): name for name, paths in made.files("train").items() for path in paths}
    assert len({run["run"] for run in mixes}) == len(mixes) == 15
    for run in mixes:
        used = {name: weight for name, weight in run["weights"].items() if weight}
        sources = yaml.safe_load((exported / "olmo-core" / f"{run['run']}.yaml").read_text())["sources"]
        assert {source["source_name"]: source["target_ratio"] for source in sources} == used
        assert sum(source["target_ratio"] for source in sources) == pytest.approx(1)
        assert all(str(pool) in path for source in sources for path in source["paths"])
        blend = (exported / "megatron" / f"{run['run']}.txt").read_text().split()
        weights: dict[str, float] = {}
        for weight, prefix in zip(blend[::2], blend[1::2], strict=True):
            domain = domain_of[Path(f"{prefix}.bin").resolve()]
            weights[domain] = weights.get(domain, 0.0) + float(weight)
            assert Path(f"{prefix}.idx").stat().st_size > 34
        assert weights == pytest.approx(used)


def test_scores_from_elsewhere_with_the_experiments_pool(exported, tiny, finished):
    """Only the names of the mixes differ, by which folds are drawn: the evidence and the natural mix are the same."""
    files = ("--metrics", "export/metrics.csv", "--families", "export/families.yaml", "--json")
    found = json.loads(mixwright("recommend", "experiment.yaml", *files, folder=tiny).stdout)
    assert found["natural"] == finished["natural"]
    assert found["reference"] == "natural"
    assert found["swarm"]["joined_by"] == "run"
    assert set(found["epochs"]) == set(found["mix"])
    alone = json.loads(
        mixwright("recommend", "--ratios", "export/ratios.csv", *files[:-1], "--json", folder=tiny).stdout
    )
    assert alone["reference"] == "centre"
    assert alone["epochs"] == {}
    assert sum(alone["mix"].values()) == pytest.approx(1)


def test_an_experiment_and_a_swarm_with_different_domains(exported, tiny):
    (tiny / "other.csv").write_text((exported / "ratios.csv").read_text().replace("books", "novels"))
    words = ("recommend", "experiment.yaml", "--ratios", "other.csv", "--metrics", "export/metrics.csv")
    line = said_here(tiny, *words, "--families", "export/families.yaml")
    assert "only in experiment tiny: 'books'; only in the swarm: 'novels'" in line


def test_exported_mixes_go_stale_with_their_documents(exported, tiny):
    old = tiny / "old_export"
    old.mkdir()
    mixes = json.loads((exported / "mixes.json").read_text())
    mixes["contents"]["books"] = mixes["contents"]["books"][::-1]
    (old / "mixes.json").write_text(json.dumps(mixes))
    (old / "ratios.csv").write_text((exported / "ratios.csv").read_text())
    words = ("recommend", "experiment.yaml", "--ratios", "old_export/ratios.csv", "--metrics", "export/metrics.csv")
    words = (*words, "--families", "export/families.yaml")
    assert "stale, since the content of 'books' is not the present pool's" in said_here(tiny, *words)
    done = mixwright(*words, "--allow-stale", "--json", folder=tiny)
    assert sum(json.loads(done.stdout)["mix"].values()) == pytest.approx(1)


def test_a_folder_that_is_no_export(tiny):
    (tiny / "mine").mkdir()
    (tiny / "mine" / "thesis.txt").write_text("years of work")
    assert "is not empty and no export of mixwright" in said_here(tiny, "swarm", "experiment.yaml", "--export", "mine")
    assert [file.name for file in (tiny / "mine").iterdir()] == ["thesis.txt"]
