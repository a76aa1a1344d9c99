"""A source joins: the earlier runs are kept as evidence, and only a few new proxies are trained."""

import json
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml
from support import SAMPLE, here, mixwright, only_line, read_lines, said_here, write_lines


@pytest.fixture(scope="module")
def joining(tiny, finished) -> dict:
    """The experiment with the source `law`, in a work folder of its own, with the earlier runs as evidence."""
    shutil.copytree(tiny / "work" / "stages", tiny / "evidence" / "stages")  # stages that nothing changes are skipped
    write_lines(tiny / "law" / "a.jsonl.zst", read_lines(SAMPLE / "law" / "00000.jsonl.zst", 60))
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"]["law"] = {"path": "law/*.jsonl.zst", "format": "jsonl", "filters": False}
    swarm = {"max_epochs": 8, "seeds": 2, "mixes_a_domain": 2}
    return {
        **content,
        "work": "evidence",
        "swarm": swarm,
        "tokenizer": {**content["tokenizer"], "path": str(tokenizer_of(tiny))},
        "reuse": {"runs": "experiment.yaml"},
    }


@pytest.fixture(scope="module")
def joined(tiny, joining) -> tuple[dict, str]:
    """The recommendation, and what was told on the way."""
    (tiny / "evidence.yaml").write_text(yaml.safe_dump(joining))
    done = mixwright("recommend", "evidence.yaml", "--json", folder=tiny)
    return json.loads(done.stdout), done.stderr


def tokenizer_of(tiny: Path) -> Path:
    return next((tiny / "work" / "stages").glob("pool-*/tokenizer.json"))


def rows(tiny: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(tiny / "evidence" / "catalog.duckdb"), read_only=True) as catalog:
        return catalog.sql(query).fetchall()


def test_only_the_new_proxies_are_trained(tiny, finished, joined):
    earlier = {file.stem for file in (tiny / "work" / "records" / "runs").glob("*.parquet")}
    every = {file.stem for file in (tiny / "evidence" / "records" / "runs").glob("*.parquet")}
    assert earlier < every
    # natural, uniform, two mixes for the new domain and two for the rest, three earlier mixes once more
    assert len(every - earlier) == 2 + 4 + 3
    assert f"by {len(every)} runs, of which {len(earlier)} earlier ones" in joined[1]
    assert "new: law" in joined[1]
    assert f"{len(earlier)} earlier runs over" in joined[1]


def test_the_recommendation_rests_on_both(tiny, finished, joined):
    found = joined[0]
    assert set(found["mix"]) == {*finished["mix"], "law"}
    assert found["evidence"]["earlier runs"] == finished["evidence"]["runs"]
    assert found["evidence"]["runs"] != finished["evidence"]["runs"]
    assert found["noise_from"] == "replicates"


def test_the_catalog_says_which_runs_are_earlier_ones(tiny, finished, joined):
    counted = dict(rows(tiny, "select round > 0, count(*) from runs join mixes using (mix) group by all"))
    assert counted[False] >= 12
    pools = rows(tiny, "select mix like 'earlier-%', seed >= 1000000, count(distinct pool) from runs group by all")
    assert {row[2] for row in pools} == {1}
    twice = rows(tiny, "select mix from runs where mix like 'earlier-%' group by mix having count(distinct pool) = 2")
    assert len(twice) == 3
    weights = rows(tiny, "select distinct weight from mix_weights where domain = 'law' and mix like 'earlier-%'")
    assert weights == [(0.0,)]


def test_plan_status_and_report_count_them(tiny, finished, joined):
    plan = json.loads(mixwright("plan", "evidence.yaml", "--device", "h100", "--json", folder=tiny).stdout)
    assert plan["trained"] == plan["proxies"]
    assert plan["earlier"] == plan["proxies"] - 9
    assert f"{plan['earlier']} of them earlier runs" in here("status", "evidence.yaml", folder=tiny).stdout
    pytest.importorskip("vl_convert", reason="the package that draws figures is not installed")
    mixwright("report", "evidence.yaml", "--no-figures", "--out", "evidence.html", folder=tiny)
    assert f"of which {plan['earlier']} earlier ones" in (tiny / "evidence.html").read_text()


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("reuse", "runs"), "nosuch.yaml", "'nosuch.yaml' is neither an experiment file nor a work folder"),
        (("reuse", "runs"), "law", "no swarm is recorded in"),
        (("reuse", "recommendation"), "first.json", "recommendation and runs exclude each other"),
        (("reuse", "partial"), ["web"], "partial needs recommendation"),
        (("reuse",), {"allow_stale": True}, "names nothing to reuse"),
        (("proxy", "tokens"), 16_384, "have proxy.tokens 8192, and the new ones would have 16384"),
        (("suite", "items"), 6, "were scored on 5 items of each task, and the new ones would be on 6"),
        (("suite", "path"), "other.jsonl.zst", "were scored on another suite"),
        (("tokenizer", "path"), None, "set tokenizer.path: "),
        (("swarm", "match_repetition"), True, "reuse.runs and swarm.match_repetition exclude each other"),
        (("swarm", "rounds"), [8, 8], "reuse and swarm.rounds"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(tiny, joining, place, value, said):
    content = json.loads(json.dumps({**joining, "work": "untouched"}))
    part = content
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    rows_of_suite = read_lines(tiny / "suite.jsonl.zst")
    write_lines(tiny / "other.jsonl.zst", rows_of_suite[:-1])
    (tiny / "wrong.yaml").write_text(yaml.safe_dump(content))
    assert said in said_here(tiny, "run", "wrong.yaml")
    assert not (tiny / "untouched").exists()


def test_a_changed_domain_is_refused_unless_it_is_allowed(tiny, joining):
    shutil.copytree(tiny / "work" / "stages", tiny / "stale" / "stages")
    content = {**joining, "work": "stale", "sources": dict(joining["sources"])}
    write_lines(tiny / "fewer" / "a.jsonl.zst", read_lines(SAMPLE / "code" / "00000.jsonl.zst", 39))
    content["sources"]["code"] = {**content["sources"]["code"], "path": "fewer/*.jsonl.zst"}
    (tiny / "stale.yaml").write_text(yaml.safe_dump(content))
    line = only_line(here("swarm", "stale.yaml", folder=tiny))
    assert "stale, since the content of 'code' is not the present pool's" in line
    content["reuse"] = {**content["reuse"], "allow_stale": True}
    (tiny / "stale.yaml").write_text(yaml.safe_dump(content))
    done = mixwright("swarm", "stale.yaml", folder=tiny)
    assert "changed: code" in done.stderr
    runs = pl.read_parquet(tiny / "stale" / "records" / "runs" / "*.parquet")
    assert len(runs.filter(pl.col("pool") != runs["pool"].mode()[0])) == 9
