"""Pages inside WARC records: is it a page, is it what was written, and its body as a browser sees it.

Crawls differ in what they store: some the bytes as sent, some the decoded body under the headers as sent (Common
Crawl until 2018). So an encoding that is declared is undone where it is there, and a decoded body is left alone. What
is missing or false is a loss, and nothing else: a body that is longer than its HTTP Content-Length is read whole, as
are the parts of a page that its WARC-Truncated says is cut.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import brotli
from zlib_ng import zlib_ng

from pipeline.read.digest import matches
from pipeline.read.refused import Refused, larger_than
from pipeline.read.unpack import DAMAGE, ZLIB_ERROR, gzip_unpacker, unpacked, zstd_unpacker
from pipeline.read.warc import BLANK_LINE, MAX_DIGITS, MAX_HEADER, Headers, Record, parse_headers

HTML_TYPES = ("text/html", "application/xhtml+xml")
CHARSET = re.compile(r"(?:^|;)\s*charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
STATUS = re.compile(rb"HTTP/[\d.]+[ \t]+(\d{3})(?!\d)")
PIECE = 1 << 20  # bytes that brotli may give at a time
MAX_CHUNKS = 1 << 20  # of one body; each costs a microsecond
MAX_ENCODINGS = 4  # one on top of another
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]{0,1000})?\r?\n")
MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,1000}<")
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
LINE_END = re.compile(rb"\r?\n")


@dataclass(frozen=True)
class Page:
    """An HTML body, and the charset that the response's header declares."""

    body: bytes
    charset: str


def html_page(record: Record, limit: int, statuses: Collection[int]) -> Page:
    """The page of a response, or of a resource that was stored without one.

    Raises:
        Refused: it is none, or of another status, or not what its headers say, or larger than `limit` bytes.
    """
    _check_kind(record)
    if record.block is None:
        raise Refused(larger_than(limit), record.offset)
    head = BLANK_LINE.search(record.block, 0, MAX_HEADER) if record.block.startswith(b"HTTP/") else None
    if not head and record.headers.get("content-type", "").startswith("application/http"):
        raise Refused("no HTTP header", record.offset)
    headers = parse_headers(record.block[: head.start()]) if head else {}
    declared, _, parameters = (headers if head else record.headers).get("content-type", "").partition(";")
    kind = record.headers.get("warc-identified-payload-type", "").partition(";")[0] or declared
    if kind.strip().lower() not in HTML_TYPES:
        raise Refused("not HTML", record.offset)
    status = STATUS.match(record.block)
    if head and (not status or int(status.group(1)) not in statuses):
        raise Refused(f"HTTP status {status.group(1).decode() if status else 'missing'}", record.offset)
    check_block(record)
    try:
        body = _decoded(record, headers, record.block[head.end() if head else 0 :], limit)
    except _BadBody as bad:
        raise Refused(bad.reason, record.offset) from None
    charset = CHARSET.search(parameters)
    return Page(body, charset.group(1) if charset else "")


def _check_kind(record: Record) -> None:
    """Refuse what is a part of a page, or stands for one that was stored before."""
    if record.kind == "revisit":
        raise Refused("revisit of another record", record.offset)
    if record.kind == "continuation" or record.headers.get("warc-segment-number", "").strip():
        raise Refused("segmented record", record.offset)


def check_block(record: Record) -> None:
    """Refuse a record whose block is not the one that its digest was taken of."""
    if not matches(record.headers.get("warc-block-digest", ""), record.block or b""):
        raise Refused("bad digest", record.offset)


class _BadBody(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _decoded(record: Record, headers: Headers, body: bytes, limit: int) -> bytes:
    """The body without its encodings; the payload's digest may be of it in any state, or of the whole block."""
    digest = record.headers.get("warc-payload-digest", "")
    is_cut = "warc-truncated" in record.headers
    intact = matches(digest, body)
    named = f"{headers.get('content-encoding', '')},{headers.get('transfer-encoding', '')}".lower().split(",")
    encodings = [name for name in map(str.strip, named) if name in DECODERS]
    if len(encodings) > MAX_ENCODINGS:
        raise _BadBody("too many encodings")
    for name in reversed(encodings):
        try:
            body = DECODERS[name](body, limit, is_cut) if body else body
        except (*DAMAGE, brotli.error, ValueError):
            if not _is_decoded(name, body, last=len(encodings) == 1):
                raise _BadBody("wrong chunking" if name == "chunked" else f"damaged {name} body") from None
        intact = intact or matches(digest, body)
    if not intact and not matches(digest, record.block or b""):
        raise _BadBody("bad digest")
    if len(body) > limit:
        raise _BadBody(larger_than(limit))
    length = headers.get("content-length", "")
    if not encodings and not is_cut and length.isdecimal() and int(length[:MAX_DIGITS]) > len(body):
        raise _BadBody("shorter than its HTTP Content-Length")
    return body


def _is_decoded(encoding: str, body: bytes, last: bool) -> bool:
    """Whether a body that cannot be decoded was so when it was stored: packed bytes hold control characters soon."""
    if encoding == "chunked":
        return MARKUP.match(body) is not None or not (last or CHUNK_SIZE.match(body))
    return not CONTROL.search(body, 0, 256)


def _unpack(body: bytes, limit: int, is_cut: bool, new: Callable[[], Any]) -> bytes:
    """The content; what there is of it where the body is known to be cut."""
    content = bytearray()
    try:
        for piece in unpacked([body], new):
            content += piece
            if len(content) > limit:
                raise _BadBody(larger_than(limit))
    except EOFError:
        if not is_cut:
            raise
    return bytes(content)


def _inflate(body: bytes, limit: int, is_cut: bool) -> bytes:
    """`deflate` was to mean the zlib format; some servers send it bare."""
    try:
        return _unpack(body, limit, is_cut, zlib_ng.decompressobj)
    except ZLIB_ERROR:
        return _unpack(body, limit, is_cut, partial(zlib_ng.decompressobj, wbits=-zlib_ng.MAX_WBITS))


def _unbrotli(body: bytes, limit: int, is_cut: bool) -> bytes:
    unpacker = brotli.Decompressor()
    content = bytearray(unpacker.process(body, output_buffer_limit=PIECE))
    while not unpacker.is_finished():
        if unpacker.can_accept_more_data():
            if is_cut:
                break
            raise EOFError("cut in the middle")
        content += unpacker.process(b"", output_buffer_limit=PIECE)
        if len(content) > limit:
            raise _BadBody(larger_than(limit))
    return bytes(content)


def _unchunk(body: bytes, limit: int, is_cut: bool) -> bytes:
    content, at = bytearray(), 0
    for _ in range(MAX_CHUNKS):
        size = CHUNK_SIZE.match(body, at)
        if not size:
            break
        length = int(size.group(1), 16)
        if length == 0:
            return bytes(content)
        end = LINE_END.match(body, size.end() + length)
        content += body[size.end() : size.end() + length]
        if not end:
            break
        at = end.end()
    if is_cut and content:
        return bytes(content)
    raise ValueError("too many chunks, or one does not end where it says, or the last is missing")


DECODERS: dict[str, Callable[[bytes, int, bool], bytes]] = {
    "gzip": partial(_unpack, new=gzip_unpacker),
    "x-gzip": partial(_unpack, new=gzip_unpacker),
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": partial(_unpack, new=zstd_unpacker),
    "chunked": _unchunk,
}
