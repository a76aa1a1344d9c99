"""Pages in WARC records: bodies however they are encoded, digests, lengths, statuses."""

import base64
import gzip
import hashlib
import zlib

import brotli
import polars as pl
import pytest
import zstandard
from pydantic import ValidationError
from warcs import (
    BAD,
    BR,
    CHUNKED,
    DEFLATE,
    GZIP,
    PAGE,
    WHOLE,
    bare_deflate,
    chunked,
    good,
    http,
    read,
    record,
    sha1,
    shard,
)  # fmt: skip

from pipeline.read.readers import ReadSettings, ReadShards


@pytest.mark.parametrize(
    "block",
    [
        WHOLE,
        http(gzip.compress(BAD, mtime=0), GZIP),
        http(gzip.compress(BAD[:300], mtime=0) + gzip.compress(BAD[300:], mtime=0), GZIP),
        http(zlib.compress(BAD), DEFLATE),
        http(bare_deflate(BAD), DEFLATE),
        http(brotli.compress(BAD), BR),
        http(zstandard.compress(BAD), b"Content-Encoding: zstd"),
        http(chunked(BAD), CHUNKED),
        http(chunked(gzip.compress(BAD, mtime=0)), CHUNKED, GZIP),
        http(gzip.compress(brotli.compress(BAD), mtime=0), b"Content-Encoding: br, gzip"),
        # the headers as sent, the body as decoded by the crawler
        http(BAD, GZIP, length=77),
        http(BAD, DEFLATE, length=77),
        http(BAD, BR, length=77),
        http(BAD, CHUNKED, GZIP, length=77),
        http(gzip.compress(BAD, mtime=0), CHUNKED, GZIP, length=77),
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
    body = chunked(gzip.compress(BAD, mtime=0))
    block = http(body, CHUNKED, GZIP)
    states = [
        sha1(body),
        sha1(gzip.compress(BAD, mtime=0)),
        sha1(BAD),
        b"sha256:" + hashlib.sha256(BAD).hexdigest().encode(),
    ]
    records = [
        record(block, b"WARC-Payload-Digest: " + digest, b"WARC-Block-Digest: " + sha1(block)) for digest in states
    ]
    (tmp_path / "a.warc").write_bytes(b"".join(records) + record(block, b"WARC-Block-Digest: crc32:whatever"))
    documents, refused = read(tmp_path / "a.warc", "warc")
    assert len(documents) == 5
    assert not refused


def pages(tmp_path, *records: bytes, **settings) -> tuple[list, list[str]]:
    """(bodies, reasons of what was refused) of a file of these records, read with these settings."""
    (tmp_path / "a.warc").write_bytes(b"".join(records))
    step = ReadShards([shard(tmp_path / "a.warc", "warc")], tmp_path / "stage", ReadSettings(**settings))
    bodies = [document.metadata["raw"] for document in step.run()]
    return bodies, pl.read_parquet(tmp_path / "stage" / "refused" / "*.parquet")["reason"].to_list()


def test_only_statuses_that_are_content_are_read(tmp_path):
    lines = [200, 203, 201, 206, 301, 304, 403, 404, 410, 429, 500, 503]
    records = [record(WHOLE.replace(b"200 OK", b"%d Whatever" % status)) for status in lines]
    bodies, reasons = pages(tmp_path, *records)
    assert len(bodies) == 2
    assert reasons == [f"HTTP status {status}" for status in lines[2:]]
    bodies, reasons = pages(tmp_path, *records, statuses=(200, 404))
    assert len(bodies) == 2
    assert "HTTP status 203" in reasons
    image = record(http(BAD, kind=b"image/png").replace(b"200 OK", b"404 Not Found"))
    assert pages(tmp_path, image) == ([], ["not HTML"])  # what is no page is no error page
    for statuses in ((), (99,), (600,), ("ok",)):
        with pytest.raises(ValidationError):
            ReadSettings(statuses=statuses)


@pytest.mark.parametrize(
    "digest",
    [
        lambda content: b"sha1:" + base64.b32encode(hashlib.sha1(content).digest()),
        lambda content: b"SHA-1: " + base64.b32encode(hashlib.sha1(content).digest()).lower(),
        lambda content: b"sha1:" + hashlib.sha1(content).hexdigest().upper().encode(),
        lambda content: b"sha1:" + base64.b64encode(hashlib.sha1(content).digest()),
        lambda content: b"sha256:" + base64.b32encode(hashlib.sha256(content).digest()),
        lambda content: b"sha-256:" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()),
        lambda content: b"sha512:" + hashlib.sha512(content).hexdigest().encode(),
        lambda content: b"md5:" + hashlib.md5(content).hexdigest().encode(),
    ],
)
def test_digests_however_they_are_written(tmp_path, digest):
    """A payload's may repeat the block's; one of other content is a loss, in every way of writing."""
    records = [
        record(WHOLE, b"WARC-Block-Digest: " + digest(WHOLE), b"WARC-Payload-Digest: " + digest(BAD)),
        record(WHOLE, b"WARC-Block-Digest: " + digest(WHOLE), b"WARC-Payload-Digest: " + digest(WHOLE)),
        record(WHOLE, b"WARC-Payload-Digest: " + digest(WHOLE)),
        record(
            http(gzip.compress(BAD, mtime=0), GZIP),
            b"WARC-Payload-Digest: " + digest(http(gzip.compress(BAD, mtime=0), GZIP)),
        ),
        record(WHOLE, b"WARC-Block-Digest: " + digest(BAD)),
        record(WHOLE, b"WARC-Payload-Digest: " + digest(b"other")),
    ]
    assert pages(tmp_path, *records) == ([BAD] * 4, ["bad digest"] * 2)


@pytest.mark.parametrize("digest", [b"", b"sha1:", b"sha1:none", b"sha1:" + b"A" * 31, b"crc32:12345678", b"whatever"])
def test_what_is_no_digest_speaks_against_nothing(tmp_path, digest):
    block = record(WHOLE, b"WARC-Block-Digest: " + digest, b"WARC-Payload-Digest: " + digest)
    assert pages(tmp_path, block) == ([BAD], [])


def test_a_body_that_is_longer_than_declared_is_whole_and_a_shorter_one_is_cut(tmp_path):
    cut, gzipped = b"WARC-Truncated: length", gzip.compress(BAD, mtime=0)
    records = [
        record(http(BAD, length=9), version=b"0.18"),
        record(http(BAD, length=len(BAD) - 1)),
        record(http(BAD, length=len(BAD) + 1)),
        record(http(BAD, length=9_999), cut),
        record(http(gzipped[:-40], GZIP), cut),
        record(http(chunked(BAD)[:-30], CHUNKED), cut),
        record(http(brotli.compress(BAD)[:-4], BR), cut),
        record(http(gzipped[:-40], GZIP)),
    ]
    bodies, reasons = pages(tmp_path, *records)
    assert reasons == ["shorter than its HTTP Content-Length", "damaged gzip body"]
    assert bodies[:3] == [BAD] * 3
    assert all(BAD.startswith(body) and len(body) > 20 for body in bodies)
    assert len(bodies) == 6


def test_resources_that_are_html_are_pages(tmp_path):
    page = "<p>café</p>".encode("latin-1")
    resource = record(page, kind=b"text/html; charset=iso-8859-1").replace(b": response", b": resource")
    image = record(b"GIF89a", kind=b"image/gif").replace(b": response", b": resource")
    bare = record(page, kind=b"text/html")  # a response without the header that it came with
    (tmp_path / "a.warc").write_bytes(resource + image + bare)
    documents, refused = read(tmp_path / "a.warc", "warc")
    assert [(d.metadata["raw"], d.metadata["charset"]) for d in documents] == [(page, "iso-8859-1"), (page, "")]
    assert [row.reason for row in refused] == ["not HTML"]


@pytest.mark.parametrize(
    ("declared", "charset"),
    [
        (b"text/html;charset=utf-8", "utf-8"),
        (b'text/html; Charset = "koi8-r"; x=y', "koi8-r"),
        (b"text/html; x-charset=koi8-r", ""),
        (b"text/html; charset=a; charset=b", "a"),
        (b"text/html; charset=", ""),
        (b"TEXT/HTML", ""),
    ],
)
def test_the_charset_of_a_header(tmp_path, declared, charset):
    (tmp_path / "a.warc").write_bytes(record(http(BAD, kind=declared)))
    assert [document.metadata["charset"] for document in read(tmp_path / "a.warc", "warc")[0]] == [charset]
