"""Reads WARC and JSONL shards; what cannot be read is a counted row with shard, offset and reason."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import polars as pl
import zstandard
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipeline.funnel import KEPT, Funnel, size, write_parquet
from pipeline.sources import Shard

MAX_DOCUMENT = 64 << 20  # bytes; a larger page or line is refused
CHUNK = 1 << 20  # bytes read at a time
PACKED = 1 << 12  # compressed bytes unpacked at a time; zstd makes at most some 30,000 times as many of them
HTML_TYPES = ("text/html", "application/xhtml+xml")


class Refused(Exception):
    """A record that cannot be read; `fatal` where the rest of the shard cannot be read either."""

    def __init__(self, reason: str, offset: int, fatal: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.offset, self.fatal = reason, offset, fatal


class ReadShards(PipelineStep):
    """Rank r reads shards r, r + world_size, …"""

    type = "mixwright"
    name = "read"

    def __init__(self, shards: list[Shard], folder: Path) -> None:
        super().__init__()
        self.shards, self.folder = shards, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield documents; pages carry their raw bytes in `metadata["raw"]` until they are extracted."""
        funnel = Funnel(self.name)
        refused = []
        for shard in self.shards[rank::world_size]:
            for found in read_warc(shard) if shard.format == "warc" else read_jsonl(shard):
                if isinstance(found, Refused):
                    funnel.count(shard.source, f"refused: {found.reason}", 0, 0)
                    refused.append((shard.source, shard.path.name, found.offset, found.reason))
                else:
                    found.metadata.update(source=shard.source, filters=shard.filters)
                    funnel.count(shard.source, KEPT, size(found), size(found))
                    yield found
        funnel.write(self.folder, rank)
        frame = pl.DataFrame(
            refused,
            schema={"source": pl.String, "shard": pl.String, "offset": pl.Int64, "reason": pl.String},
            orient="row",
        )
        write_parquet(frame, self.folder / "refused" / f"{rank:05d}.parquet")


def read_warc(shard: Shard) -> Iterator[Document | Refused]:
    """HTML responses of a WARC file."""
    offset = 0
    try:
        with shard.path.open("rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
                offset = record.stream_pos
                kind = record.headers.get("WARC-Identified-Payload-Type") or record.http_content_type or ""
                if kind.partition(";")[0].strip().lower() not in HTML_TYPES:
                    yield Refused("not HTML", offset)
                    continue
                body = record.reader.read(MAX_DOCUMENT + 1)
                if len(body) > MAX_DOCUMENT:
                    yield Refused("larger than 64 MB", offset)
                    continue
                if len(body) < record.content_length:  # fastwarc hands out what is there of a cut record
                    yield Refused("truncated", offset, fatal=True)
                    continue
                url = record.headers.get("WARC-Target-URI") or ""
                metadata = {
                    "url": url,
                    "date": record.headers.get("WARC-Date") or "",
                    "raw": body,
                    "charset": record.http_charset or "",
                }
                yield Document(text="", id=_id(shard, offset, url), metadata=metadata)
    except Exception as error:  # fastwarc raises several kinds on damaged files; the shard ends here
        yield Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)


def read_jsonl(shard: Shard) -> Iterator[Document | Refused]:
    """Documents of a JSON-lines file with Dolma's fields: text, and id, created, metadata.url if there."""
    offset = 0
    try:
        for line in lines(shard.path):
            offset += len(line) + 1
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
                text, metadata = row["text"], row.get("metadata") or {}
                if not isinstance(text, str) or not isinstance(metadata, dict):
                    raise TypeError
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                yield Refused("not a JSON object with a text", offset - len(line) - 1)
                continue
            url = str(metadata.get("url") or "")
            yield Document(
                text=text,
                id=_id(shard, offset - len(line) - 1, str(row.get("id") or url)),
                metadata={"url": url, "date": str(row.get("created") or ""), "attributes": metadata},
            )
    except Refused as refused:
        yield refused
    except (OSError, zlib.error, zstandard.ZstdError) as error:
        yield Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)


def lines(path: Path) -> Iterator[bytes]:
    """Lines of a file, plain, .gz or .zst, decompressed a bounded chunk at a time."""
    rest = b""
    offset = 0
    for chunk in _chunks(path):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            offset += len(line) + 1
            yield line
        if len(rest) > MAX_DOCUMENT:
            raise Refused("a line larger than 64 MB", offset, fatal=True)
    if rest:
        yield rest


def _chunks(path: Path) -> Iterator[bytes]:
    """A file's content, unpacked by its ending."""
    with path.open("rb") as file:
        if path.suffix == ".zst":
            yield from _unpacked(file, lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj())
        elif path.suffix == ".gz":
            yield from _unpacked(file, lambda: zlib.decompressobj(wbits=31))
        else:
            yield from iter(lambda: file.read(CHUNK), b"")


def _unpacked(file: BinaryIO, new: Callable[[], Any]) -> Iterator[bytes]:
    """Members or frames one after another; small pieces go in, so that what comes out stays bounded."""
    unpacker = None
    for packed in iter(lambda: file.read(PACKED), b""):
        while packed:
            unpacker = unpacker or new()
            yield unpacker.decompress(packed)
            packed = unpacker.unused_data if unpacker.eof else b""
            unpacker = None if unpacker.eof else unpacker
    if unpacker:
        raise Refused("truncated", file.tell(), fatal=True)


def _id(shard: Shard, offset: int, name: str) -> str:
    """Stable over machines and folders: of the source, the shard's file name, the offset and the record's name."""
    return hashlib.sha256(f"{shard.source}/{shard.path.name}/{offset}/{name}".encode()).hexdigest()[:24]
