"""The step that reads shards: ids, and what is lost."""

import gzip
import hashlib

import polars as pl
import pytest
from warcs import WHOLE, good, read, record, shard

from pipeline.errors import PipelineError
from pipeline.read.readers import ReadSettings, ReadShards, check_refused


def test_document_ids_are_of_source_file_offset_and_name(tmp_path):
    """They stand in records, so a change of them would make old and new evidence strangers."""
    (tmp_path / "a.jsonl").write_text('{"text": "one", "id": "first"}\n{"text": "two", "metadata": {"url": "u"}}\n')
    expected = [hashlib.sha256(name.encode()).hexdigest()[:24] for name in ("x/a.jsonl/0/first", "x/a.jsonl/31/u")]
    assert [document.id for document in read(tmp_path / "a.jsonl", "jsonl")[0]] == expected
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(good(b"1")) * 2)
    size = len(gzip.compress(good(b"1")))
    expected = [hashlib.sha256(f"x/a.warc.gz/{at}/http://good/1".encode()).hexdigest()[:24] for at in (0, size)]
    assert [document.id for document in read(tmp_path / "a.warc.gz", "warc")[0]] == expected


def test_too_many_lost_shards_stop_the_flow(tmp_path):
    """Ten shards: one cut, one no archive, one with a bad record only."""
    whole = gzip.compress(good(b"1")) + gzip.compress(good(b"2"))
    contents = [whole] * 7 + [whole[:-30], b"nonsense", whole + gzip.compress(record(WHOLE, uri=b"")) + whole]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.warc.gz").write_bytes(content)
    shards = [shard(tmp_path / f"{number}.warc.gz", "warc") for number in range(10)]
    for rank in range(3):
        list(ReadShards(shards, tmp_path / "stage").run(None, rank, 3))
    table = pl.read_parquet(tmp_path / "stage" / "refused" / "*.parquet").sort("shard")
    assert table.select("shard", "reason", "fatal").rows() == [
        ("7.warc.gz", "truncated", True),
        ("8.warc.gz", "damaged compression", True),
        ("9.warc.gz", "no target URI", False),
    ]
    check_refused(tmp_path / "stage", shards, ReadSettings(max_refused_share=0.2))
    with pytest.raises(PipelineError, match=r"2 of 10 shards .*x/7\.warc\.gz \(truncated\), x/8\.warc\.gz"):
        check_refused(tmp_path / "stage", shards, ReadSettings())
