"""Cohorts: the scores of single runs, nothing shared between proxies, and records that say what happened."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from cohorts import CANDIDATES, SETTINGS, scores, train
from support import ROOT

from mixes.errors import MixError
from mixes.swarm import Candidate
from pipeline.pool.pool import Pool
from pipeline.train.records import diverged_runs, read_runs, slowed_runs
from pipeline.train.setup import Evidence, check_epochs


@pytest.fixture(scope="module")
def alone(evidence, tmp_path_factory) -> Path:
    """The candidates, each trained by itself."""
    folder = tmp_path_factory.mktemp("alone")
    _, decided = train(evidence, folder)
    assert decided == {"cohort": 1, "parts": 1}
    return folder


def test_a_cohort_scores_as_its_members_alone(evidence, alone, tmp_path):
    _, decided = train(evidence, tmp_path, cohort=3)
    assert decided == {"cohort": 3, "parts": 1}
    ours, theirs = scores(tmp_path), scores(alone)
    assert ours.drop("bpb").equals(theirs.drop("bpb"))  # the same run ids: the cohort is no part of them
    np.testing.assert_allclose(ours["bpb"], theirs["bpb"], rtol=2e-4)
    assert theirs.group_by("run").agg(pl.col("bpb").mean())["bpb"].std() > 0.05  # so the tolerance says something
    assert pl.read_parquet(tmp_path / "records" / "runs" / "*.parquet")["cohort"].to_list() == [3, 3, 3]


def test_scores_are_the_means_of_their_items(alone):
    items = scores(alone, "items")
    means = items.group_by("run", "task").agg(pl.col("bpb").mean().alias("mean"), pl.len().cast(pl.Int64).alias("n"))
    joined = scores(alone).filter(pl.col("kind") == "task").join(means, on=["run", "task"])
    assert len(joined) == 3 * 3
    np.testing.assert_allclose(joined["bpb"], joined["mean"], rtol=1e-12)
    assert (joined["items"] == joined["n"]).all()
    assert (items["bytes"] > 0).all()


def test_what_is_recorded_is_not_trained_again(evidence, alone):
    records = alone / "records"
    before = {path: path.stat().st_mtime_ns for path in records.rglob("*.parquet")}
    assert train(evidence, alone)[1] == {"cohort": 1, "parts": 1}
    lost = evidence.run_id(CANDIDATES[1])
    was = pl.read_parquet(records / "scores" / f"{lost}.parquet")
    (records / "runs" / f"{lost}.parquet").unlink()
    train(evidence, alone)
    after = {path: path.stat().st_mtime_ns for path in records.rglob("*.parquet")}
    assert {path.stem for path in before if before[path] != after[path]} == {lost}
    assert pl.read_parquet(records / "scores" / f"{lost}.parquet").equals(was)


def test_a_larger_swarm_trains_only_what_is_new(evidence, alone, tmp_path):
    more = [*CANDIDATES, Candidate("books", {"books": 1.0, "code": 0.0, "science": 0.0}, 0)]
    before = {path: path.stat().st_mtime_ns for path in (alone / "records").rglob("*.parquet")}
    train(evidence, alone, more)
    assert len(list((alone / "logs").iterdir())) == 2  # a folder for each list of candidates
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())
    assert len(read_runs(evidence, more, alone / "records").runs) == 4


def test_proxies_that_diverge_are_tried_again_and_named(evidence, tmp_path):
    wild, _ = train(evidence, tmp_path, CANDIDATES[:2], learning_rate=1e4, cohort=2)
    runs = pl.read_parquet(tmp_path / "records" / "runs" / "*.parquet")
    assert runs["status"].to_list() == ["diverged"] * 2
    assert runs["attempt"].to_list() == [2, 2]
    assert runs["learning_rate"].to_list() == [5e3, 5e3]
    assert scores(tmp_path).is_empty()
    assert set(diverged_runs(wild, CANDIDATES[:2], tmp_path / "records")) == set(runs["run"])
    with pytest.raises(MixError, match=r"2 of 2 proxies diverged.*lower proxy.learning_rate"):
        read_runs(wild, CANDIDATES[:2], tmp_path / "records")
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_one_proxy_may_diverge_and_is_left_out(evidence, alone, tmp_path):
    shutil.copytree(alone / "records", tmp_path / "records")
    for number, left in enumerate((2, 1)):
        run = evidence.run_id(CANDIDATES[number])
        file = tmp_path / "records" / "runs" / f"{run}.parquet"
        pl.read_parquet(file).with_columns(status=pl.lit("diverged")).write_parquet(file)
        if left == 2:
            assert run not in read_runs(evidence, CANDIDATES, tmp_path / "records").ids
    with pytest.raises(MixError, match="2 of 3 proxies diverged"):
        read_runs(evidence, CANDIDATES, tmp_path / "records")


def test_a_proxy_that_learned_at_half_the_rate_is_named(evidence, alone, tmp_path):
    shutil.copytree(alone / "records", tmp_path / "records")
    assert not slowed_runs(evidence, CANDIDATES, tmp_path / "records")
    run = evidence.run_id(CANDIDATES[1])
    file = tmp_path / "records" / "runs" / f"{run}.parquet"
    pl.read_parquet(file).with_columns(attempt=pl.lit(2)).write_parquet(file)
    assert slowed_runs(evidence, CANDIDATES, tmp_path / "records") == {run: CANDIDATES[1]}


def test_a_saved_proxy_starts_others(evidence, tmp_path):
    kept, _ = train(evidence, tmp_path / "a", CANDIDATES[:1], keep_models=True)
    saved = tmp_path / "a" / "records" / "models" / f"{kept.run_id(CANDIDATES[0])}.pt"
    started, _ = train(evidence, tmp_path / "b", CANDIDATES[:2], init_from=str(saved), learning_rate=1e-9)
    ours, theirs = scores(tmp_path / "b"), scores(tmp_path / "a")
    for run in ours["run"].unique():  # hardly trained, so still what they started from
        mine = ours.filter(pl.col("run") == run)
        np.testing.assert_allclose(mine["bpb"], theirs["bpb"], rtol=1e-3)
    elsewhere = saved.rename(tmp_path / "moved.pt")
    moved = started.proxy.model_copy(update={"init_from": str(elsewhere)})
    assert Evidence(evidence.pool, evidence.suite, moved).run_id(CANDIDATES[0]) == started.run_id(CANDIDATES[0])
    assert started.run_id(CANDIDATES[0]) != kept.run_id(CANDIDATES[0])
    for wrong, said in (({"size": "200k"}, "start from a proxy of the same size"), ({"tied": False}, "own_head")):
        with pytest.raises(MixError, match=said):
            train(evidence, tmp_path / "c", CANDIDATES[:1], init_from=str(elsewhere), **wrong)
    elsewhere.write_bytes(b"no proxy")
    with pytest.raises(MixError, match="is no saved proxy"):
        train(evidence, tmp_path / "c", CANDIDATES[:1], init_from=str(elsewhere))
    with pytest.raises(MixError, match="give the file of a saved proxy"):
        train(evidence, tmp_path / "c", CANDIDATES[:1], init_from="nowhere.pt")


def test_more_epochs_than_the_cap(evidence):
    held = Pool(evidence.pool).domains["code"].tokens
    long = Evidence(evidence.pool, evidence.suite, SETTINGS.model_copy(update={"tokens": 3 * held}))
    check_epochs(long, CANDIDATES, 3.01)
    with pytest.raises(MixError, match=r"mix 'code' repeat domain 'code' 3\.0 times, the cap is 2"):
        check_epochs(long, CANDIDATES, 2)


LIMITED = """
import json, resource, sys
from pathlib import Path
from cohorts import CANDIDATES, SETTINGS
from mixes.proxy.model import Proxies
from mixes.swarm import Candidate
from pipeline.train.setup import Evidence
from mixes.proxy.settings import ProxySettings
from pipeline.train.cohort import CohortTrainer
from mixes.proxy import checkpoint, device, evaluate, train
settings = ProxySettings(size="100k", tokens=32_768, context=64, batch=128, cohort=8)
evidence = Evidence(Path(sys.argv[1]), Path(sys.argv[2]), settings)
folder = Path(sys.argv[3])
trainer = CohortTrainer(evidence, folder / "records", folder)
trainer.train([Candidate("warm", CANDIDATES[0].weights, 99)], 1)
held = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (held + (450 << 20),) * 2)
trainer.train([Candidate("even", CANDIDATES[0].weights, seed) for seed in range(8)], 1)
"""


def test_a_cohort_that_does_not_fit_is_halved(evidence, tmp_path):
    """Under a real limit of the process's memory, which eight proxies exceed and one does not."""
    subprocess.run(
        [sys.executable, "-c", LIMITED, evidence.pool, evidence.suite, tmp_path], check=True, timeout=200,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    runs = pl.read_parquet(tmp_path / "records" / "runs" / "*.parquet").filter(pl.col("mix") == "even")
    assert len(runs) == 8
    assert (runs["status"] == "trained").all()
    most = json.loads((tmp_path / "most.json").read_bytes())
    assert most < 8
    assert runs["cohort"].max() <= most


SCORED = """
import resource, sys
from pathlib import Path
import numpy as np
from cohorts import CANDIDATES, SETTINGS
from mixes.proxy.model import Proxies
from mixes.swarm import Candidate
from pipeline.train.setup import Evidence
from pipeline.train.cohort import CohortTrainer
from pipeline.suite import read_items
from mixes.proxy import device, evaluate
evidence = Evidence(Path(sys.argv[1]), Path(sys.argv[2]), SETTINGS)
trainer, items = CohortTrainer(evidence, Path(sys.argv[3]), Path(sys.argv[3])), read_items(evidence.suite)
proxies = Proxies(SETTINGS.shape, trainer.vocabulary, SETTINGS.context, [0, 1])
whole, _ = trainer._bpb(proxies, items)
evaluate.CPU_TOKENS = 1 << 30  # all together
held = int(next(line for line in open("/proc/self/status") if line.startswith("VmSize")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (held + (300 << 20),) * 2)
many = items * (10_000 // len(items))
found, validation = trainer._bpb(proxies, many)
np.testing.assert_allclose(found, np.tile(whole, 10_000 // len(items)), rtol=1e-5)
assert all(np.isfinite(bpb).all() for bpb in validation.values())
"""


def test_scores_are_not_lost_for_want_of_memory(evidence, tmp_path):
    """Under a real limit, which all items together exceed: training is over by then."""
    subprocess.run(
        [sys.executable, "-c", SCORED, evidence.pool, evidence.suite, tmp_path], check=True, timeout=200,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
