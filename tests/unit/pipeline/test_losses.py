"""Refusals are heard: too many stop the flow, more than a few are reported with their reasons."""

import json

import pytest

from pipeline.errors import PipelineError
from pipeline.read.losses import check_refused, describe_refused
from pipeline.read.readers import ReadShards
from pipeline.read.settings import ReadSettings
from pipeline.read.sources import SourceSettings, find_shards
from pipeline.store.documents import KEPT
from pipeline.store.funnel import Funnel


def read(folder, settings=None, **lines):
    """Sources of JSON lines (name → good records, bad lines), read; their stage and shards."""
    sources = {}
    for name, (good, bad) in lines.items():
        rows = [json.dumps({"text": f"{name} {n}"}) for n in range(good)] + ["{"] * bad
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
        sources[name] = SourceSettings(path=f"{name}.jsonl", format="jsonl")
    shards = find_shards(sources, folder)
    for rank in range(len(shards)):
        list(ReadShards(shards, folder / "stage").run(None, rank, len(shards)))
    return folder / "stage", shards


def test_a_source_that_loses_many_records_stops_the_flow(tmp_path):
    stage, shards = read(tmp_path, good=(100, 0), bad=(30, 10))
    with pytest.raises(PipelineError) as error:
        check_refused(stage, shards, ReadSettings())
    line = str(error.value)
    assert line.startswith("sources.bad: 10 of 40 records could not be read: not JSON (10)")
    assert "read.max_refused_share to 0.25 (it is 0.1)" in line
    check_refused(stage, shards, ReadSettings(max_refused_share=0.25))  # the advice helps


def test_a_few_lost_records_do_not(tmp_path):
    stage, shards = read(tmp_path, good=(95, 5))
    check_refused(stage, shards, ReadSettings())
    assert describe_refused(stage) == ["good: 5% of 100 records were refused: not JSON (5)"]


def test_hardly_any_are_not_reported(tmp_path):
    stage, _ = read(tmp_path, good=(98, 2))
    assert describe_refused(stage) == []


def test_what_a_crawl_holds_beside_its_pages_is_reported_and_no_loss(tmp_path):
    funnel = Funnel("read")
    counts = {KEPT: 50, "refused: HTTP status 404": 30, "refused: not HTML": 15, "refused: bad digest": 5}
    for reason, count in counts.items():
        funnel.count("web", reason, 1, 1, count)
    funnel.write(tmp_path, 0)
    assert describe_refused(tmp_path) == [
        "web: 50% of 100 records were refused: HTTP status 404 (30), not HTML (15), bad digest (5)"
    ]
