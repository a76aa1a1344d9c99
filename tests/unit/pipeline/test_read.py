"""Shards as they come: every format, every kind of damage a row with its reason, and everything behind it read."""

import base64
import gzip
import hashlib
import json
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import brotli
import polars as pl
import pytest
import zstandard
from support import ROOT
from warcio.warcwriter import WARCWriter

from pipeline.errors import PipelineError
from pipeline.read.readers import READERS, ReadSettings, ReadShards, Refused, check_refused, lines
from pipeline.read.sources import Fields, Shard

PROSE = "The river rose for three days and the people of the valley watched it with patience. "
PAGE = b"<html><body><p>" + b"The river rose for three days. " * 20 + b"%s</p></body></html>"
BAD = PAGE % b"bad"


def shard(path: Path, format: str, **more) -> Shard:
    return Shard(source="x", url=str(path), format=format, **more)


def read(path: Path, format: str, *most: int) -> tuple[list, list[Refused]]:
    """(documents, what was refused)."""
    found = list(READERS[format](shard(path, format), *most))
    return [f for f in found if not isinstance(f, Refused)], [f for f in found if isinstance(f, Refused)]


def http(body: bytes, *headers: bytes, kind: bytes = b"text/html", length: int | None = None) -> bytes:
    """A response as a server sends it."""
    length = len(body) if length is None else length
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + kind, b"Content-Length: %d" % length, *headers, b"", body]
    return b"\r\n".join(lines)


def record(block: bytes, *headers: bytes, uri: bytes = b"http://bad/", version: bytes = b"1.0", **more) -> bytes:
    """A response record, with whatever is wrong with it."""
    head = [
        b"WARC/" + version, b"WARC-Type: response", b"WARC-Date: 2020-01-01T00:00:00Z",
        *([b"WARC-Target-URI: " + uri] if uri else []), b"Content-Type: " + more.get("kind", b"application/http"),
        b"Content-Length: %d" % more.get("length", len(block)), *headers, b"", block,
    ]  # fmt: skip
    return b"\r\n".join(head) + b"\r\n\r\n"


def good(name: bytes) -> bytes:
    return record(http(PAGE % name), uri=b"http://good/" + name)


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def sha1(content: bytes) -> bytes:
    return b"sha1:" + base64.b32encode(hashlib.sha1(content).digest())


CHUNKED, GZIP, DEFLATE, BR = (
    b"Transfer-Encoding: chunked",
    b"Content-Encoding: gzip",
    b"Content-Encoding: deflate",
    b"Content-Encoding: br",
)
WHOLE = http(BAD)
NO_DIGEST = b"sha1:" + b"A" * 32

REFUSED = {
    "not HTML: type": (record(http(BAD, kind=b"image/png")), "not HTML"),
    "not HTML: no HTTP": (record(b"10 IN A 127.0.0.1", kind=b"text/dns"), "not HTML"),
    "no HTTP header": (record(b"nothing like it"), "no HTTP header"),
    "HTTP header without end": (record(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 66_000), "no HTTP header"),
    "no target URI": (record(WHOLE, uri=b""), "no target URI"),
    "block digest": (record(WHOLE, b"WARC-Block-Digest: " + NO_DIGEST), "bad digest"),
    "payload digest": (record(WHOLE, b"WARC-Payload-Digest: " + NO_DIGEST), "bad digest"),
    "sha256 digest": (record(WHOLE, b"WARC-Block-Digest: sha256:" + b"0" * 64), "bad digest"),
    "large page": (record(http(BAD + b" " * 5_000)), "larger than 4,096 bytes"),
    "large record": (record(http(BAD + b" " * 200_000)), "larger than 4,096 bytes"),
    "bomb": (record(http(gzip.compress(bytes(1 << 20)), GZIP)), "larger than 4,096 bytes"),
    "brotli bomb": (record(http(brotli.compress(bytes(1 << 20)), BR)), "larger than 4,096 bytes"),
    "chunk size": (record(http(b"zz\r\n" + BAD, CHUNKED)), "wrong chunking"),
    "chunk too long": (record(http(b"fffff\r\n" + BAD, CHUNKED)), "wrong chunking"),
    "last chunk missing": (record(http(chunked(BAD)[:-5], CHUNKED)), "wrong chunking"),
    "gzip cut": (record(http(gzip.compress(BAD)[:-20], GZIP)), "damaged gzip body"),
    "deflate cut": (record(http(zlib.compress(BAD)[:-9], DEFLATE)), "damaged deflate body"),
    "br cut": (record(http(brotli.compress(BAD)[:-9], BR)), "damaged br body"),
    "encodings": (record(http(BAD, b"Content-Encoding: gzip" + b", gzip" * 9)), "too many encodings"),
    "HTTP length long": (record(http(BAD, length=9_999)), "wrong HTTP Content-Length"),
    "HTTP length short": (record(http(BAD, length=9)), "wrong HTTP Content-Length"),
    "WARC length short": (record(WHOLE, length=len(WHOLE) - 50), "wrong Content-Length"),
    "WARC length long": (record(WHOLE, length=len(WHOLE) + 50), "wrong Content-Length"),
    "WARC length of a thousand terabytes": (record(WHOLE, length=10**15), "wrong Content-Length"),
    "WARC length negative": (record(WHOLE, length=-1), "wrong Content-Length"),
    "version": (record(WHOLE, version=b"9.0"), "unknown WARC version"),
    "header": (record(WHOLE, b"X: " + b"a" * 100_000), "header larger than 64 KB"),
    "nonsense": (b"no record at all\r\n" * 20, "not a WARC record"),
}


@pytest.mark.parametrize("packing", ["gz", "plain"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_record_between_good_ones_is_one_row(tmp_path, case, packing):
    bad, reason = REFUSED[case]
    parts = [good(b"1"), bad, good(b"2"), good(b"3")]
    if packing == "gz":
        parts = [gzip.compress(part) for part in parts]
    path = tmp_path / ("a.warc.gz" if packing == "gz" else "a.warc")
    path.write_bytes(b"".join(parts))
    documents, refused = read(path, "warc", 4096)
    assert [document.metadata["url"] for document in documents] == [f"http://good/{n}" for n in (1, 2, 3)]
    assert [document.metadata["raw"] for document in documents] == [PAGE % n for n in (b"1", b"2", b"3")]
    assert [(row.reason, row.offset, row.fatal) for row in refused] == [(reason, len(parts[0]), False)]


@pytest.mark.parametrize(
    "block",
    [
        WHOLE,
        http(gzip.compress(BAD), GZIP),
        http(gzip.compress(BAD[:300]) + gzip.compress(BAD[300:]), GZIP),
        http(zlib.compress(BAD), DEFLATE),
        http(bare_deflate(BAD), DEFLATE),
        http(brotli.compress(BAD), BR),
        http(zstandard.compress(BAD), b"Content-Encoding: zstd"),
        http(chunked(BAD), CHUNKED),
        http(chunked(gzip.compress(BAD)), CHUNKED, GZIP),
        http(gzip.compress(brotli.compress(BAD)), b"Content-Encoding: br, gzip"),
        # the headers as sent, the body as decoded by the crawler
        http(BAD, GZIP, length=77),
        http(BAD, DEFLATE, length=77),
        http(BAD, BR, length=77),
        http(BAD, CHUNKED, GZIP, length=77),
        http(gzip.compress(BAD), CHUNKED, GZIP, length=77),
        http(BAD, b"Content-Encoding: utf-8", length=len(BAD)),
        WHOLE.replace(b"\r\n", b"\n"),
    ],
)
def test_bodies_are_read_however_they_are_encoded(tmp_path, block):
    (tmp_path / "a.warc").write_bytes(record(block) + good(b"2"))
    documents, refused = read(tmp_path / "a.warc", "warc")
    assert [document.metadata["raw"] for document in documents] == [BAD, PAGE % b"2"]
    assert not refused


def test_digests_are_of_the_block_and_of_the_payload_in_any_state(tmp_path):
    body = chunked(gzip.compress(BAD))
    block = http(body, CHUNKED, GZIP)
    states = [sha1(body), sha1(gzip.compress(BAD)), sha1(BAD), b"sha256:" + hashlib.sha256(BAD).hexdigest().encode()]
    records = [
        record(block, b"WARC-Payload-Digest: " + digest, b"WARC-Block-Digest: " + sha1(block)) for digest in states
    ]
    (tmp_path / "a.warc").write_bytes(b"".join(records) + record(block, b"WARC-Block-Digest: crc32:whatever"))
    documents, refused = read(tmp_path / "a.warc", "warc")
    assert len(documents) == 5
    assert not refused


@pytest.mark.parametrize("version", [b"0.17", b"0.18", b"1.1"])
def test_other_versions(tmp_path, version):
    (tmp_path / "a.warc").write_bytes(record(WHOLE, version=version))
    assert read(tmp_path / "a.warc", "warc")[0][0].metadata["raw"] == BAD


@pytest.mark.parametrize("packing", ["one member", "members cut anywhere", "zstd"])
def test_files_that_are_not_packed_by_record(tmp_path, packing):
    content = b"".join(good(b"%d" % n) for n in range(300))
    if packing == "one member":
        packed = gzip.compress(content)
    elif packing == "zstd":
        packed = zstandard.compress(content)
    else:
        packed = b"".join(gzip.compress(content[at : at + 1_234]) for at in range(0, len(content), 1_234))
    path = tmp_path / ("a.warc.zst" if packing == "zstd" else "a.warc.gz")
    path.write_bytes(packed)
    documents, refused = read(path, "warc")
    assert [document.metadata["raw"] for document in documents] == [PAGE % b"%d" % n for n in range(300)]
    assert len({document.id for document in documents}) == 300
    assert not refused


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"filedesc://a.arc 127.0.0.1 20200101000000 text/plain 9\r\n1 0 x\r\n", "an ARC file, not WARC"),
        (b"", "empty file"),
        (b"not an archive at all\n" * 100, "not a WARC record"),
        (good(b"1")[:-200], "truncated"),
        (b"WAR", "truncated"),
        (good(b"1")[:99], "truncated"),
    ],
)
def test_a_file_of_which_nothing_can_be_read(tmp_path, content, reason):
    for name, packed in (("a.warc", content), ("b.warc.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(packed)
        documents, refused = read(tmp_path / name, "warc")
        assert not documents
        assert [row.fatal for row in refused] == [True]
        assert refused[0].reason == reason or (reason == "truncated" and name == "b.warc.gz")
    documents, refused = read(tmp_path / "nowhere.warc", "warc")
    assert [(row.reason, row.fatal) for row in refused] == [("unreadable (FileNotFoundError)", True)]


def test_a_bomb_costs_no_more_than_its_bound(tmp_path):
    """A page and a record of 256 MB, a thousandth of that in the file."""
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    head = record(b"", length=256 << 20)[:-4]
    packer = zlib.compressobj(wbits=31)
    large = [packer.compress(part) for part in (head, *[bytes(1 << 20)] * 256, b"\r\n\r\n")] + [packer.flush()]
    members = [gzip.compress(good(b"1")), gzip.compress(record(http(bomb, GZIP))), *large, gzip.compress(good(b"2"))]
    (tmp_path / "a.warc.gz").write_bytes(b"".join(members))
    program = f"""
import resource
from pipeline.read.readers import read_warc
from pipeline.read.sources import Shard
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shard = Shard(source="x", url={str(tmp_path / "a.warc.gz")!r}, format="warc")
print([getattr(found, "reason", "page") for found in read_warc(shard)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    found, kilobytes = done.stdout.splitlines()
    assert found == "['page', 'larger than 64 MB', 'larger than 64 MB', 'page']"
    assert int(kilobytes) < 80_000


def test_a_bad_record_at_the_end_is_fatal_unless_it_has_a_member_of_its_own(tmp_path):
    last = record(WHOLE, version=b"9.0")
    for name, content, fatal in (
        ("own.warc.gz", gzip.compress(good(b"1")) + gzip.compress(last), False),
        ("shared.warc.gz", gzip.compress(good(b"1") + last), True),
        ("plain.warc", good(b"1") + last, True),
    ):
        (tmp_path / name).write_bytes(content)
        documents, refused = read(tmp_path / name, "warc")
        assert len(documents) == 1
        assert [(row.reason, row.fatal) for row in refused] == [("unknown WARC version", fatal)], name


def test_lines_that_are_no_documents_are_refused_and_the_rest_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    long = json.dumps({"text": "a" * 3_000})
    path.write_text(f'{{"text": "one"}}\nnonsense\n{{"no": "text"}}\n[1]\n{{"text": 5}}\n\n{long}\n{{"text": "two"}}')
    documents, refused = read(path, "jsonl", 1_000)
    assert [document.text for document in documents] == ["one", "two"]
    assert [row.reason for row in refused] == ["not a record with a text"] * 4 + ["larger than 1,000 bytes"]
    assert not any(row.fatal for row in refused)
    assert [row.offset for row in refused] == [16, 25, 40, 44, 57]


def test_lines_of_a_file_however_it_is_packed(tmp_path):
    text = b"".join(b"%d " % n * (n % 9_000) + b"\n" for n in range(0, 40_000, 800))
    for name, packed in (("a", text), ("a.gz", gzip.compress(text)), ("a.zst", zstandard.compress(text))):
        (tmp_path / name).write_bytes(packed)
        assert list(lines(tmp_path / name)) == text.splitlines()
    (tmp_path / "a.gz").write_bytes(gzip.compress(text)[:-20])
    with pytest.raises(Refused, match="truncated"):
        list(lines(tmp_path / "a.gz"))


def test_one_text_in_every_format(tmp_path):
    """The same documents as JSONL, as Parquet under other names, as WET."""
    texts = [f"{PROSE} Number {n}, with Žluťoučký kůň." for n in range(700)]
    urls = [f"https://example.org/{n}" for n in range(700)]
    pl.DataFrame({"body": texts, "link": urls}).write_parquet(tmp_path / "a.parquet")
    rows = [{"text": text, "metadata": {"url": url}} for text, url in zip(texts, urls, strict=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    for name, gzipped in (("a.wet", False), ("a.wet.gz", True)):
        with (tmp_path / name).open("wb") as file:
            writer = WARCWriter(file, gzip=gzipped)
            for text, url in zip(texts, urls, strict=True):
                writer.write_record(writer.create_warc_record(url, "conversion", payload=BytesIO(text.encode())))
    fields = Fields(text="body", url="link")
    for name, format in (("a.parquet", "parquet"), ("a.jsonl", "jsonl"), ("a.wet", "wet"), ("a.wet.gz", "wet")):
        path = tmp_path / name
        one = shard(path, format, fields=fields if format == "parquet" else Fields())
        found = list(READERS[format](one, 1 << 20))
        assert [document.text for document in found] == texts, name
        assert [document.metadata["url"] for document in found] == urls, name
        assert len({document.id for document in found}) == len(texts)
        assert {document.metadata["license"] for document in found} == {""}
        path.write_bytes(path.read_bytes()[:-1000])  # the last record or the footer is gone
        whole, refused = read(path, format)
        assert len(whole) < len(texts)
        assert len(refused) == 1, (name, refused)


def test_document_ids_are_of_source_file_offset_and_name(tmp_path):
    """They stand in records, so a change of them would make old and new evidence strangers."""
    (tmp_path / "a.jsonl").write_text('{"text": "one", "id": "first"}\n{"text": "two", "metadata": {"url": "u"}}\n')
    expected = [hashlib.sha256(name.encode()).hexdigest()[:24] for name in ("x/a.jsonl/0/first", "x/a.jsonl/31/u")]
    assert [document.id for document in read(tmp_path / "a.jsonl", "jsonl")[0]] == expected
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(good(b"1")) * 2)
    size = len(gzip.compress(good(b"1")))
    expected = [hashlib.sha256(f"x/a.warc.gz/{at}/http://good/1".encode()).hexdigest()[:24] for at in (0, size)]
    assert [document.id for document in read(tmp_path / "a.warc.gz", "warc")[0]] == expected


def test_licence_and_domain_come_along(tmp_path):
    rows = [{"text": "a", "metadata": {"license": "CC0-1.0", "area": {"name": "law"}}}, {"text": "b", "rights": "MIT"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plain = [d.metadata for d in READERS["jsonl"](shard(tmp_path / "a.jsonl", "jsonl"), 1 << 20)]
    assert [metadata["license"] for metadata in plain] == ["CC0-1.0", ""]
    assert not any("domain" in metadata for metadata in plain)
    fields = Fields(license="rights", domain="metadata.area.name")
    named = [d.metadata for d in READERS["jsonl"](shard(tmp_path / "a.jsonl", "jsonl", fields=fields), 1 << 20)]
    assert [(metadata["license"], metadata["domain"]) for metadata in named] == [("", "law"), ("MIT", "")]


def test_a_mapping_that_names_no_column(tmp_path):
    pl.DataFrame({"body": ["a"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(PipelineError, match=r"sources\.x\.fields\.text: a\.parquet has no column 'text' — it has body"):
        read(tmp_path / "a.parquet", "parquet")


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
