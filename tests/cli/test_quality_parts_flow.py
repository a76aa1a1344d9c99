"""Quality as a part of the mix, from shards to a blend."""

import json
import shutil

import duckdb
import pytest
import yaml
from support import here, mixwright, only_line, said_here

from pipeline.blend.manifest import read_manifest
from pipeline.pool.pool import Pool

PARTS = ["web@low", "web@middle", "web@high"]


@pytest.fixture(scope="module")
def cut(tiny, finished) -> dict:
    """The tiny experiment with its pages as one domain, cut in three: the recommendation, as JSON."""
    shutil.copytree(tiny / "work", tiny / "cut")
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["topics"]["min_bytes"] = 1_000_000
    content["pool"] |= {"quality_parts": 3, "validation_share": 0.1}
    content["recommend"]["limits"] = {"bounds": {"web": [0.3, None]}}
    content["recommend"]["budget"] = "100k"
    (tiny / "cut.yaml").write_text(yaml.safe_dump({**content, "work": "cut"}))
    planned = json.loads(here("plan", "cut.yaml", "--device", "h100", "--json", folder=tiny).stdout)
    assert any("each that is scored cut in 3 by quality" in line for line in planned["assumptions"])
    return json.loads(mixwright("recommend", "cut.yaml", "--json", folder=tiny).stdout)


def test_the_parts_are_domains_of_the_recommendation(tiny, cut):
    assert set(PARTS) < set(cut["mix"])
    assert "web" not in cut["mix"]
    assert sum(cut["mix"][part] for part in PARTS) >= 0.3 - 1e-6
    pool = Pool(tiny / "cut" / "stages" / cut["evidence"]["pool"])
    assert {pool.domains[part].source for part in PARTS} == {"web"}
    assert sum(pool.natural.values()) == pytest.approx(1)


def test_a_mix_and_a_limit_may_name_the_whole(tiny, cut):
    (tiny / "own.yaml").write_text("web: 0.4\ncode: 0.6\n")
    asked = ("recommend", "cut.yaml", "--mix", "own.yaml", "--bound", "web=0.2:0.25", "--json")
    answer = json.loads(mixwright(*asked, folder=tiny).stdout)
    assert 0.2 - 1e-6 <= sum(answer["mix"][part] for part in PARTS) <= 0.25 + 1e-6
    own = next(row["mix"] for row in answer["beside"] if row["name"] == "own")
    assert sum(own[part] for part in PARTS) == pytest.approx(0.4)


def test_recommended_buckets_follow_the_parts(tiny, cut):
    with duckdb.connect(str(tiny / "cut" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql(f"""select b.domain, min(repeat), max(repeat), sum(b.taken) from recommendation_buckets b
            where recommendation = '{cut["id"]}' group by all""").fetchall()
        ranges = dict(catalog.sql("select domain, [min(bucket), max(bucket)] from buckets group by all").fetchall())
        best = catalog.sql("select count(*), min(bucket) from documents_of('web@high')").fetchall()[0]
    for domain, low, high, taken in rows:
        assert low == high
        assert taken == pytest.approx(cut["mix"][domain] * cut["budget"])
    assert ranges["web@low"][1] < ranges["web@middle"][0] <= ranges["web@middle"][1] < ranges["web@high"][0]
    assert best[0] > 0
    assert best[1] == ranges["web@high"][0]


@pytest.mark.parametrize("format_name", ["jsonl", "olmo-core"])
def test_a_blend_takes_of_each_part_what_its_weight_says(tiny, cut, format_name):
    words = ("blend", "cut.yaml", f"blend-{format_name}", "--tokens", "100k", "--format", format_name)
    mixwright(*words, "--recommendation", cut["id"], folder=tiny)
    manifest = read_manifest(tiny / f"blend-{format_name}", "")
    shares = {row.domain: row.share for row in manifest.domains}
    for part in PARTS:
        longest = 0.1  # of 100k tokens: a document of the part's few that did not fit
        assert cut["mix"][part] - longest <= shares[part] <= cut["mix"][part] + 0.02
    assert "Whole:" in here("verify-blend", f"blend-{format_name}", folder=tiny).stdout


@pytest.mark.parametrize("format_name", ["megatron", "hf-datasets"])
def test_exports_name_the_parts(tiny, cut, format_name):
    words = ("--format", format_name, "--recommendation", cut["id"], "--out", f"export-{format_name}")
    mixwright("export", "cut.yaml", *words, folder=tiny)
    assert "web@high" in (tiny / f"export-{format_name}" / "README.md").read_text()


def test_a_report_draws_the_whole_domain_by_quality(tiny, cut):
    mixwright("report", "cut.yaml", "--out", "cut.html", folder=tiny)
    assert "web@high" in (tiny / "cut.html").read_text()


def test_two_words_on_quality_are_refused(tiny, cut):
    content = yaml.safe_load((tiny / "cut.yaml").read_text())
    (tiny / "both.yaml").write_text(yaml.safe_dump({**content, "upsampling": {}}))
    assert "upsampling and pool.quality_parts both say" in said_here(tiny, "prepare", "both.yaml")
    content["sources"]["web"]["quality"] = False
    (tiny / "unscored.yaml").write_text(yaml.safe_dump(content))
    assert "no source is scored" in said_here(tiny, "prepare", "unscored.yaml")
    content["pool"]["quality_parts"] = 5
    (tiny / "five.yaml").write_text(yaml.safe_dump(content))
    assert "pool.quality_parts" in said_here(tiny, "prepare", "five.yaml")
    wrong = here("recommend", "cut.yaml", "--bound", "web@best=0.2:0.3", folder=tiny)
    assert "web@best" in only_line(wrong)
