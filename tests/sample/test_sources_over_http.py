"""Real shards over HTTP, through readers and the filter stage."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from support import SAMPLE

from flows.experiment import load_experiment
from pipeline.errors import PipelineError
from pipeline.read.readers import READERS, Refused
from pipeline.read.sources import SourceSettings, find_shards
from pipeline.stages.texts import compile_block_list, filter_shards
from pipeline.store.documents import scan

ROW = b'{"text": "%d of them"}\n'


def shards(base: Path, **settings) -> list:
    return find_shards({"x": SourceSettings(**{"format": "jsonl", **settings})}, base)


def texts(found: list) -> list[str]:
    documents = [document for shard in found for document in READERS[shard.format](shard, 1 << 20)]
    return [d.reason if isinstance(d, Refused) else d.text for d in documents]


def test_warc_and_parquet_over_http(tiny, tmp_path, web):
    pl.DataFrame({"text": ["a", "b"]}).write_parquet(tmp_path / "a.parquet")
    web.files["a.parquet"] = (tmp_path / "a.parquet").read_bytes()
    web.files["a.warc.gz"] = (tiny / "web" / "a.warc.gz").read_bytes()
    for url in (f"{web.url}/a.parquet", f"{web.url}/a.parquet?signed=yes"):
        found = shards(tmp_path, path=url, format="parquet")
        assert [shard.name for shard in found] == ["a.parquet"]
        assert texts(found) == ["a", "b"]
    assert texts(shards(tmp_path, path=f"{web.url}/b.parquet", format="parquet")) == ["unreadable (FileNotFoundError)"]
    remote, local = (
        [d.metadata["raw"] for d in READERS["warc"](shards(base, path=path, format="warc")[0], 1 << 26)]
        for base, path in ((tmp_path, f"{web.url}/a.warc.gz"), (tiny, "web/a.warc.gz"))
    )
    assert remote == local


def test_the_filter_stage_over_http_with_a_shard_that_cannot_be_had(tmp_path, web):
    """Ranks are processes of their own; once the shard can be had, only its rank runs again."""
    for n in range(4):
        web.files[f"{n}.jsonl"] = ROW % n
    (tmp_path / "all.paths").write_text("\n".join(f"{n}.jsonl" for n in range(4)))
    jsonl = {"format": "jsonl", "filters": False}
    content = {
        "name": "remote", "work": "work", "language": {"model": str(SAMPLE / "lid.176.ftz")},
        "sources": {"x": {**jsonl, "path": "all.paths", "prefix": web.url}},
        "quality": {"positives": "*", "negatives": "x"}, "topics": {"labelled": "x"}, "suite": {"path": "x"},
        "executor": {"workers": 2},
    }  # fmt: skip
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump(content))
    corpus = load_experiment(tmp_path / "experiment.yaml").corpus
    web.broken = {"/3.jsonl"}
    with pytest.raises(PipelineError, match=r"1 of 4 shards .*: x/3\.jsonl \(unreadable \(ClientResponseError\)\)"):
        filter_shards(corpus, compile_block_list(corpus), lambda done, ranks: None)
    web.broken, web.asked = set(), []
    found = filter_shards(corpus, compile_block_list(corpus), lambda done, ranks: None)
    assert {path for way, path in web.asked if way == "GET"} == {"/3.jsonl"}
    assert sorted(scan(found, "documents").collect()["text"]) == [f"{n} of them" for n in range(4)]
    assert json.loads((found / "stage.json").read_bytes())["settings"]["read"] == {
        "max_page_bytes": 64 << 20,
        "statuses": [200, 203],
        "extract_seconds": 10.0,
    }
