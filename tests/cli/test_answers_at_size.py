"""An answer at another size is recorded with its size, found by id and by --at, and never taken for the latest."""

import json
import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support import here, said_here

from flows.catalog.query import query_catalog
from pipeline.store.documents import write_parquet

LARGER, TIMES = "400k", 4  # the planted size: its name, and how many tokens more it has
EXP = "experiment.yaml"


def plant_larger(work: Path) -> None:
    """Records of a second, larger size: of every other run of the swarm, with scores a tenth lower."""
    records, rng = work / "records", np.random.default_rng(0)
    for number, file in enumerate(sorted((records / "runs").glob("*.parquet"))):
        if number % 2:
            continue
        name = f"run-larger-{number:03d}"
        run, scores = pl.read_parquet(file), pl.read_parquet(records / "scores" / file.name)
        larger = {"run": pl.lit(name), "size": pl.lit(LARGER), "tokens": pl.col("tokens") * TIMES}
        noise = pl.Series(rng.normal(scale=0.002, size=len(scores)))
        lower = {"run": pl.lit(name), "bpb": pl.col("bpb") * 0.9 + noise}
        write_parquet(run.with_columns(**larger).select(run.columns), records / "runs" / f"{name}.parquet")
        write_parquet(scores.with_columns(**lower).select(scores.columns), records / "scores" / f"{name}.parquet")


@pytest.fixture(scope="module")
def answered(tiny, finished) -> dict:
    """The answer at the larger size, in the work folder beside the one of the swarm's own."""
    plant_larger(tiny / "work")
    done = here("recommend", EXP, "--at", LARGER, "--json", folder=tiny)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(tiny: Path, query: str) -> list[tuple]:
    return query_catalog(tiny / "work" / "catalog.duckdb", query).rows()


def test_it_is_recorded_with_its_size(tiny, finished, answered):
    assert answered["at"] == "400k:32.77k"
    assert answered["evidence"]["pool"] == finished["evidence"]["pool"]
    assert answered["evidence"]["runs"] != finished["evidence"]["runs"]
    assert any(name.startswith("content/") for name in answered["evidence"])
    found = rows(tiny, "select recommendation, at_size, current from recommendations order by number")
    assert found[-2:] == [(finished["id"], None, True), (answered["id"], answered["at"], True)]
    weights = dict(
        rows(tiny, f"select domain, weight from recommendation_weights where recommendation = '{answered['id']}'")
    )
    assert weights == answered["mix"]
    assert rows(tiny, "select distinct at_size from recommended_mixes order by 1") == [(answered["at"],), (None,)]


def test_asked_again_it_is_found(tiny, answered):
    number = rows(tiny, f"select number from recommendations where recommendation = '{answered['id']}'")
    again = here("recommend", EXP, "--at", f"{LARGER}:32768", "--json", folder=tiny)
    assert json.loads(again.stdout) == answered
    assert "laws" not in again.stderr
    assert rows(tiny, f"select number from recommendations where recommendation = '{answered['id']}'") == number


def test_its_laws_are_needed(tiny, answered):
    done = here("gc", EXP, "--json", folder=tiny)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["items"] == []


def test_the_latest_is_that_of_the_swarms_own_size(tiny, finished, answered):
    assert rows(tiny, "select recommendation from latest_recommendation") == [(finished["id"],)]
    assert finished["id"] in here("status", EXP, folder=tiny).stdout
    export = ("export", EXP, "--format", "json", "--json", "--tokens", "50k")
    latest = json.loads(here(*export, "--out", "latest", folder=tiny).stdout)
    named = json.loads(here(*export, "--out", "named", "--recommendation", answered["id"][:20], folder=tiny).stdout)
    assert latest["recommendation"] == finished["id"]
    assert named["recommendation"] == answered["id"]
    plan = ("blend", EXP, "blend", "--tokens", "50k", "--dry-run")
    assert here(*plan, folder=tiny).returncode == 0
    assert here(*plan, "--recommendation", answered["id"], folder=tiny).returncode == 0
    line = "refresh compares mixes at the swarm's own size"
    assert line in said_here(tiny, "refresh", EXP, "--standing", answered["id"])


def test_it_is_exported_where_it_is_made(tiny, answered):
    done = here("recommend", EXP, "--at", LARGER, "--export", "json:export/at", folder=tiny)
    assert done.returncode == 0, done.stderr
    assert "Catalog" in done.stdout
    assert (tiny / "export" / "at" / "README.md").is_file()


def test_a_portable_copy_has_it(tiny, answered):
    assert here("catalog", EXP, "--portable", "copy.duckdb", "--no-documents", folder=tiny).returncode == 0
    sizes = query_catalog(tiny / "copy.duckdb", "select at_size from recommendations order by number").rows()
    assert sizes[-1] == (answered["at"],)


def test_the_page_at_a_size(tiny, answered):
    pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
    for name, words in {"at": ("--at", LARGER), "named": ("--recommendation", answered["id"])}.items():
        done = here("report", EXP, *words, "--no-figures", "--out", f"{name}.html", folder=tiny)
        assert done.returncode == 0, done.stderr
    html = (tiny / "at.html").read_text()
    assert f"<title>Data mix for tiny, at {answered['at']}</title>" in html
    head = re.search(r'<p class="sub">(.*?)</p>', html)[1]
    assert head.startswith(f"{answered['id']}. The answer for a model of the size {answered['at']}")
    assert re.search(r"by proxies of several sizes: \d+ of 100k:8.192k, \d+ of 400k:32.77k\.", head)
    assert "What came true is left out" in html
    assert re.search(r"<td[^>]*>400k</td>", html), "what the larger proxies cost"
    body = re.compile(r"mixwright report.*?</td>")
    assert body.sub("", html) == body.sub("", (tiny / "named.html").read_text())
    other = here("report", EXP, "--at", LARGER, "--target", "code=1", "--no-figures", "--out", "o.html", folder=tiny)
    assert other.returncode == 0, other.stderr
    assert f", at {answered['at']}</title>" in (tiny / "o.html").read_text()


def test_the_report_without_a_size_is_what_it_was(tiny, finished, answered):
    pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
    assert here("report", EXP, "--no-figures", folder=tiny).returncode == 0
    html = (tiny / "report.html").read_text()
    assert "<title>Data mix for tiny</title>" in html
    assert f'<p class="sub">{finished["id"]}. ' in html


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("report", EXP, "--at", "200k"),
            "no recommendation at 200k:16.4k over its present pool — run `recommend-mix`",
        ),
        (("report", EXP, "--at", "large"), "at 'large': is no size"),
        (("report", EXP, "--at", LARGER, "--recommendation", "x"), "--recommendation names an answer"),
        (("explore", EXP, "--at", LARGER, "--no-browser"), "explore: --at is not possible here"),
    ],
)
def test_what_is_refused(tiny, answered, words, line):
    assert line in said_here(tiny, *words)


def test_the_explorer_refuses_it_by_its_id(tiny, answered):
    pytest.importorskip("marimo", reason="the explorer's package is not installed")
    said = said_here(tiny, "explore", EXP, "--recommendation", answered["id"], "--no-browser")
    assert f"is an answer at {answered['at']}" in said


def test_more_runs_make_it_stale(tiny, answered):
    """Last, as it leaves a run away."""
    runs = sorted((tiny / "work" / "records" / "runs").glob("run-larger-*.parquet"))
    os.remove(runs[-1])
    said = said_here(tiny, "report", EXP, "--at", LARGER)
    assert "is by other runs than the work folder now holds of all sizes" in said
    found = json.loads(here("gc", EXP, "--json", folder=tiny).stdout)
    assert {item["kind"] for item in found["items"]} == {"laws", "worlds"}
