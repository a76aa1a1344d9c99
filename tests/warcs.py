"""WARC records as crawlers write them, and as they should not; and shards read."""

import base64
import hashlib
import zlib
from pathlib import Path

from pipeline.read.readers import READERS, Refused
from pipeline.read.sources import Shard

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
