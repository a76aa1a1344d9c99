"""Pages in WARC records: bodies however they are encoded, digests, lengths, statuses."""

import gzip
import hashlib
import zlib

import brotli
import pytest
import zstandard
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
)  # fmt: skip


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
