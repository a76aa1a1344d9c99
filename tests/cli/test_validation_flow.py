"""A recommendation is validated by larger proxies, and recorded."""

import json
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from scipy import stats
from support import mixwright


def compared_from_records(tiny: Path, done: dict, found: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """bpb of natural and of the recommended mix by seed, straight from the records of runs."""
    runs = pl.read_parquet(tiny / "work" / "records" / "runs" / "*.parquet")
    scores = pl.read_parquet(tiny / "work" / "records" / "scores" / "*.parquet").filter(kind="task")
    aim = pl.DataFrame(
        list((found["families"] | {"target": found["target"]})[name].items()), ["task", "weight"], orient="row"
    )
    mine = runs.filter(pl.col("seed").is_in(done["seeds"]), size=done["size"], tokens=done["tokens"])
    bpb = (
        mine.join(scores, on="run")
        .join(aim, on="task")
        .group_by("mix", "seed")
        .agg((pl.col("bpb") * pl.col("weight")).sum())
        .sort("seed")
    )
    return tuple(bpb.filter(mix=mix)["bpb"].to_numpy() for mix in ("natural", "recommended"))


def test_a_recommendation_is_validated_and_recorded(tiny, finished):
    words = ("validate", "experiment.yaml", "--seeds", "2")
    done = json.loads(mixwright(*words, "--json", folder=tiny).stdout)
    assert (done["size"], done["tokens"], done["seeds"]) == ("200k", 2 * 8_192, [1_000, 1_001])
    assert done["recommendation"] == finished["id"]
    assert set(done["compared"]) == set(finished["verdict"])
    for name, one in done["compared"].items():
        natural, recommended = compared_from_records(tiny, done, finished, name)
        assert one["natural"]["value"] == pytest.approx(natural.mean())
        wanted = stats.ttest_rel(natural, recommended).confidence_interval(0.9)
        assert one["gain"] == pytest.approx(
            {"value": (natural - recommended).mean(), "low": wanted.low, "high": wanted.high}
        )
        assert one["predicted"]["value"] == finished["predicted"][name]["gain"]

    before = {path: path.stat().st_mtime_ns for path in (tiny / "work" / "records" / "runs").iterdir()}
    shown = mixwright(*words, folder=tiny).stdout
    assert done["id"] in shown
    assert "What came true of the predicted gain, for 100k and 8,192 tokens" in shown
    assert before == {path: path.stat().st_mtime_ns for path in (tiny / "work" / "records" / "runs").iterdir()}

    mixwright("recommend", "experiment.yaml", "--target", "code=1", folder=tiny)  # loses no validation
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select name, gain, multiplier, came_true from validations").fetchall()
        measured = "select name, measured_gain from recommended_gains where measured_gain is not null"
        assert dict(catalog.sql(measured).fetchall()) == {name: gain for name, gain, *_ in rows}
        assert catalog.sql("select count(*) from runs").fetchall() == [(15,)], "the swarm is the swarm alone"
    assert {name: (gain, times, truth) for name, gain, times, truth in rows} == {
        name: (one["gain"]["value"], one["multiplier"]["value"], one["came_true"])
        for name, one in done["compared"].items()
    }
    assert all(1 <= times <= 4 for _, _, times, _ in rows)


def test_what_flags_ask_for_is_what_is_validated(tiny, finished):
    asked = ("--target", "code=1", "--max-epochs", "6")
    found = json.loads(mixwright("recommend", "experiment.yaml", *asked, "--json", folder=tiny).stdout)
    done = json.loads(mixwright("validate", "experiment.yaml", "--seeds", "2", *asked, "--json", folder=tiny).stdout)
    assert done["recommendation"] == found["id"] != finished["id"]
    assert done["compared"]["code"]["predicted"]["value"] == found["predicted"]["code"]["gain"]


def test_the_report_shows_what_came_true(tiny, finished):
    pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
    words = ("report", "experiment.yaml", "--recommendation", finished["id"], "--no-figures")
    mixwright(*words, folder=tiny)
    html = (tiny / "report.html").read_text()
    assert "No validation yet" not in html
    assert "Table: what came true" in html
    assert "measured, target: " in html
