"""The step that reads shards: ids, and what is lost."""

import gzip
import hashlib

import polars as pl
import pytest
from warcs import PAGE, WHOLE, good, read, record, shard

from pipeline.errors import PipelineError
from pipeline.read.losses import check_refused
from pipeline.read.readers import ReadSettings, ReadShards
from pipeline.read.sources import Shard


def test_document_ids_are_of_source_file_offset_and_name(tmp_path):
    """They stand in records, so a change of them would make old and new evidence strangers."""
    (tmp_path / "a.jsonl").write_text('{"text": "one", "id": "first"}\n{"text": "two", "metadata": {"url": "u"}}\n')
    expected = [hashlib.sha256(name.encode()).hexdigest()[:24] for name in ("x/a.jsonl/0/first", "x/a.jsonl/31/u")]
    assert [document.id for document in read(tmp_path / "a.jsonl", "jsonl")[0]] == expected
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(good(b"1"), mtime=0) * 2)
    size = len(gzip.compress(good(b"1"), mtime=0))
    expected = [hashlib.sha256(f"x/a.warc.gz/{at}/http://good/1".encode()).hexdigest()[:24] for at in (0, size)]
    assert [document.id for document in read(tmp_path / "a.warc.gz", "warc")[0]] == expected


def test_too_many_lost_shards_stop_the_flow(tmp_path):
    """Ten shards: one cut, one no archive, one with a bad record only."""
    whole = gzip.compress(good(b"1"), mtime=0) + gzip.compress(good(b"2"), mtime=0)
    contents = [whole] * 7 + [whole[:-30], b"nonsense", whole + gzip.compress(record(WHOLE, uri=b""), mtime=0) + whole]
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


def of_kind(kind: bytes, content: bytes = PAGE) -> bytes:
    return record(content, kind=b"text/plain").replace(b": response", b": " + kind)


@pytest.mark.parametrize(
    ("format", "content", "reason", "fatal"),
    [
        ("warc", of_kind(b"conversion"), "no response or resource record, only conversion", True),
        ("wet", of_kind(b"warcinfo") + good(b"1"), "no conversion record, only response, warcinfo", True),
        ("warc", of_kind(b"dns") + of_kind(b"info"), "no response or resource record, only dns, info", False),
        ("wet", of_kind(b"warcinfo"), "no conversion record, only warcinfo", False),
        ("warc", b"", "empty file", True),
        ("jsonl", b"", "no record", False),
        ("jsonl", b"\n\n", "no record", False),
        ("jsonl", gzip.compress(b"", mtime=0), "no record", False),
        ("parquet", b"", "empty file", True),
        ("parquet", b"<html>Not found</html>", "an HTML or XML page, not Parquet", True),
        ("parquet", b"PARE" + bytes(90), "an encrypted Parquet file", True),
        ("parquet", b"text", "something else, not Parquet", True),
    ],
)  # fmt: skip
def test_a_shard_without_a_document_has_a_row(tmp_path, format, content, reason, fatal):
    path = tmp_path / "deep" / "a.file"
    path.parent.mkdir()
    path.write_bytes(content)
    one = Shard(source="x", url=str(path), path="deep/a.file", format=format)
    assert not list(ReadShards([one], tmp_path / "stage").run())
    rows = pl.read_parquet(tmp_path / "stage" / "refused" / "*.parquet").rows()
    assert rows == [("x", "deep/a.file", 0, reason, fatal)]
    funnel = pl.read_parquet(tmp_path / "stage" / "funnel" / "read" / "*.parquet")
    assert funnel.select("reason", "documents").rows() == [(f"refused: {reason}", 1)]


def test_a_parquet_file_without_rows_has_a_row(tmp_path):
    pl.DataFrame({"text": []}, schema={"text": pl.String}).write_parquet(tmp_path / "a.parquet")
    assert not list(ReadShards([shard(tmp_path / "a.parquet", "parquet")], tmp_path / "stage").run())
    rows = pl.read_parquet(tmp_path / "stage" / "refused" / "*.parquet").rows()
    assert rows == [("x", "a.parquet", 0, "no record", False)]


def test_revisits_are_rows_and_no_pages(tmp_path):
    revisits = b"".join(of_kind(b"revisit", b"HTTP/1.1 200 OK\r\n\r\n") for _ in range(2))
    for content, more in ((revisits, ["no response or resource record, only revisit"]), (good(b"1") + revisits, [])):
        (tmp_path / "a.warc").write_bytes(content)
        documents, refused = read(tmp_path / "a.warc", "warc")
        assert len(documents) == (not more)
        assert [row.reason for row in refused] == ["revisit of another record"] * 2 + more
        assert not any(row.fatal for row in refused)
