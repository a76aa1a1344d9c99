"""Reads WARC, WET, JSONL and Parquet shards; what cannot be read is a counted row with shard, offset and reason."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipeline.errors import PipelineError
from pipeline.funnel import KEPT, Funnel, size, write_parquet
from pipeline.sources import Shard

MAX_DOCUMENT = 64 << 20  # bytes; a larger page or line is refused
ROWS = 500  # Parquet rows in memory at a time
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
            for found in READERS[shard.format](shard):
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
                    return
                url = record.headers.get("WARC-Target-URI") or ""
                metadata = {
                    "url": url,
                    "date": record.headers.get("WARC-Date") or "",
                    "raw": body,
                    "charset": record.http_charset or "",
                }
                yield Document(text="", id=_id(shard, offset, url), metadata=metadata)
        _check_end(shard.path, offset)
    except Refused as refused:
        yield refused
    except Exception as error:  # fastwarc raises several kinds on damaged files; the shard ends here
        yield Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)


def _check_end(path: Path, last: int) -> None:
    """Refuse a gzip file that is cut behind its last whole record, where fastwarc just stops."""
    if path.suffix == ".gz":
        with path.open("rb") as file:
            file.seek(last)
            for _ in _unpacked(file, lambda: zlib.decompressobj(wbits=31)):
                pass


def read_wet(shard: Shard) -> Iterator[Document | Refused]:
    """Text that Common Crawl extracted: the conversion records of a WET file."""
    offset = 0
    try:
        with shard.path.open("rb") as file:
            for record in ArchiveIterator(file, record_types=WarcRecordType.conversion, parse_http=False):
                offset = record.stream_pos
                body = record.reader.read(MAX_DOCUMENT + 1)
                if len(body) > MAX_DOCUMENT:
                    yield Refused("larger than 64 MB", offset)
                    continue
                if len(body) < record.content_length:
                    yield Refused("truncated", offset, fatal=True)
                    return
                url = record.headers.get("WARC-Target-URI") or ""
                metadata = {"url": url, "date": record.headers.get("WARC-Date") or ""}
                yield Document(text=body.decode("utf-8", "replace"), id=_id(shard, offset, url), metadata=metadata)
        _check_end(shard.path, offset)
    except Refused as refused:
        yield refused
    except Exception as error:  # as in read_warc
        yield Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)


def read_jsonl(shard: Shard) -> Iterator[Document | Refused]:
    """Documents of a JSON-lines file."""
    offset = 0
    try:
        for line in lines(shard.path):
            start, offset = offset, offset + len(line) + 1
            if line.strip():
                try:
                    row = orjson.loads(line)
                except orjson.JSONDecodeError:
                    row = None
                yield _document(shard, start, row)
    except Refused as refused:
        yield refused
    except (OSError, zlib.error, zstandard.ZstdError) as error:
        yield Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)


def read_parquet(shard: Shard) -> Iterator[Document | Refused]:
    """Documents of a Parquet file; the offset of a refused one is its row.

    Raises:
        PipelineError: the file has no column for the text.
    """
    row_number = 0
    try:
        with pq.ParquetFile(shard.path) as file:
            wanted = shard.fields.text.partition(".")[0]
            if wanted not in file.schema_arrow.names:
                raise PipelineError(
                    f"sources.{shard.source}.fields.text: {shard.path.name} has no column {wanted!r} — "
                    f"it has {', '.join(file.schema_arrow.names)}"
                )
            for batch in file.iter_batches(batch_size=ROWS):
                for row in batch.to_pylist():
                    yield _document(shard, row_number, row)
                    row_number += 1
    except (OSError, pa.ArrowException) as error:
        yield Refused(f"unreadable ({type(error).__name__})", row_number, fatal=True)


def _document(shard: Shard, offset: int, row: Any) -> Document | Refused:
    """A record as a document; its metadata object, or all its fields but the text, become attributes."""
    fields = shard.fields
    text = _field(row, fields.text)
    if not isinstance(row, dict) or not isinstance(text, str):
        return Refused("not a record with a text", offset)
    held = row.get("metadata")
    attributes = held if isinstance(held, dict) else {name: value for name, value in row.items() if name != fields.text}
    url, date = str(_field(row, fields.url) or ""), str(_field(row, fields.date) or "")
    name = str(_field(row, fields.id) or url)
    metadata = {"url": url, "date": date, "attributes": attributes}
    return Document(text=text, id=_id(shard, offset, name), metadata=metadata)


def _field(row: Any, path: str) -> Any:
    """A value by its dotted path, None where it is not there."""
    for step in path.split("."):
        row = row.get(step) if isinstance(row, dict) else None
    return row


READERS: dict[str, Callable[[Shard], Iterator[Document | Refused]]] = {
    "warc": read_warc,
    "wet": read_wet,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}


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
