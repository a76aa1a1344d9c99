"""An experiment that starts from a checkpoint."""

import json

import duckdb
import polars as pl
import pytest
import yaml
from support import changed, mixwright, said_here

from mixes.proxy.settings import ProxySettings
from mixes.swarm import Candidate
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm


@pytest.fixture(scope="module")
def midtrained(tiny, finished) -> dict:
    """The tiny experiment from a proxy that its pool trained, as JSON."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    stages = tiny / "work" / "stages"
    pool, suite = next(stages.glob("pool-*")), next(stages.glob("suite-*"))
    first = Evidence(pool, suite, ProxySettings(**{**content["proxy"], "keep_models": True}))
    trunk = [Candidate("natural", Pool(pool).natural, 50)]
    train_swarm(
        first,
        trunk,
        tiny / "trunk" / "records",
        tiny / "trunk" / "logs",
        ExecutorSettings(workers=1),
        lambda d, n: None,
    )
    content["proxy"] |= {"init_from": f"trunk/records/models/{first.run_id(trunk[0])}.pt"}
    (tiny / "midtrained.yaml").write_text(yaml.safe_dump(content))
    words = ("recommend", "midtrained.yaml", "--json", "--keep", "code=0.5")
    return json.loads(mixwright(*words, folder=tiny).stdout)


def test_an_experiment_from_a_checkpoint_end_to_end(tiny, finished, midtrained):
    assert finished["forgotten"] == {}
    assert "checkpoint" not in finished["evidence"]
    records = tiny / "trunk" / "records" / "scores"
    own = pl.read_parquet(records / "*.parquet").filter(pl.col("kind") == "task")
    scores = dict(own.select("task", "bpb").iter_rows())
    assert {task: midtrained["forgotten"][task]["checkpoint"] for task in scores} == scores
    assert midtrained["forgotten"]["code"]["floor"] == 0.5
    assert midtrained["forgotten"]["code"]["value"] <= 0.5 + 1e-6
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as catalog:
        asked = "select name, checkpoint_bpb from predictions where recommendation = ?"
        rows = catalog.execute(asked, [midtrained["id"]]).fetchall()
        kept = catalog.sql("select checkpoint, task, bpb from checkpoint_scores where kind = 'task'").fetchall()
    assert dict(rows) == {name: row["checkpoint"] for name, row in midtrained["forgotten"].items()}
    assert {task: bpb for _, task, bpb in kept} == scores
    assert {checkpoint for checkpoint, _, _ in kept} == {midtrained["evidence"]["checkpoint"]}


def test_a_start_that_is_none_is_told_before_anything_runs(tiny):
    """Nothing of the pool is there yet where this experiment works."""
    (tiny / "notes.pt").write_text("no proxy")
    for name, value, line in (
        ("nowhere", "nowhere.pt", "proxy.init_from: no file 'nowhere.pt'"),
        (
            "notes",
            "notes.pt",
            "notes.pt is no saved proxy (torch.save writes no such file) — keep_models: true saves them",
        ),
    ):
        content = yaml.safe_load((tiny / changed(tiny, name, "proxy", "init_from", value=value)).read_text())
        (tiny / f"{name}.yaml").write_text(yaml.safe_dump({**content, "work": "unused"}))
        assert line in said_here(tiny, "run", f"{name}.yaml")
        assert not list((tiny / "unused" / "stages").glob("*"))
