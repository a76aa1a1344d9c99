"""Reads JSONL and Parquet shards, whose rows are documents already."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
from datatrove.data import Document

from pipeline.errors import PipelineError
from pipeline.read.refused import Refused, larger_than
from pipeline.read.settings import MAX_DOCUMENT
from pipeline.read.sources import Shard
from pipeline.read.unpack import lines_of

ROWS = 500  # Parquet rows in memory at a time


def read_jsonl(shard: Shard, limit: int = MAX_DOCUMENT) -> Iterator[Document | Refused]:
    """Documents of a JSON-lines file."""
    offset = 0
    try:
        with shard.open() as file:
            for start, line in lines_of(file, shard.name, limit):
                offset = start
                if line is None:
                    yield Refused(larger_than(limit), start)
                elif line.strip():
                    try:
                        row = orjson.loads(line)
                    except orjson.JSONDecodeError:
                        row = None
                    yield _document(shard, start, row, limit)
    except EOFError:
        yield Refused("truncated", offset, fatal=True)
    except Exception as error:  # a file system raises what it likes
        yield unreadable(error, offset)


def read_parquet(shard: Shard, limit: int = MAX_DOCUMENT) -> Iterator[Document | Refused]:
    """Documents of a Parquet file; the offset of a refused one is its row.

    Raises:
        PipelineError: the file has no column for the text.
    """
    row_number = 0
    try:
        with shard.open() as file, pq.ParquetFile(file) as table:
            wanted = shard.fields.text.partition(".")[0]
            if wanted not in table.schema_arrow.names:
                raise PipelineError(
                    f"sources.{shard.source}.fields.text: {shard.name} has no column {wanted!r} — "
                    f"it has {', '.join(table.schema_arrow.names)}"
                )
            for batch in table.iter_batches(batch_size=ROWS):
                for row in batch.to_pylist():
                    yield _document(shard, row_number, row, limit)
                    row_number += 1
    except PipelineError:
        raise
    except Exception as error:  # a file system raises what it likes
        yield unreadable(error, row_number)


def unreadable(error: Exception, offset: int) -> Refused:
    """What a file system or a parser could not cope with."""
    return Refused(f"unreadable ({type(error).__name__})", offset, fatal=True)


def _document(shard: Shard, offset: int, row: Any, limit: int) -> Document | Refused:
    """A record as a document; its metadata object, or all its fields but the text, become attributes."""
    fields = shard.fields
    text = _field(row, fields.text)
    if not isinstance(row, dict) or not isinstance(text, str):
        return Refused("not a record with a text", offset)
    if len(text) > limit:
        return Refused(larger_than(limit), offset)
    held = row.get("metadata")
    attributes = held if isinstance(held, dict) else {name: value for name, value in row.items() if name != fields.text}
    metadata = {name: _text(row, getattr(fields, name)) for name in ("url", "date", "license")}
    if fields.domain:
        metadata["domain"] = _text(row, fields.domain)
    name = _text(row, fields.id) or metadata["url"]
    return Document(text=text, id=shard.document_id(offset, name), metadata={**metadata, "attributes": attributes})


def _text(row: Any, path: str) -> str:
    return str(_field(row, path) or "")


def _field(row: Any, path: str) -> Any:
    """A value by its dotted path, None where it is not there."""
    for step in path.split("."):
        row = row.get(step) if isinstance(row, dict) else None
    return row


def lines(path: Path) -> Iterator[bytes]:
    """Lines of a local file, plain, .gz or .zst, decompressed a bounded chunk at a time.

    Raises:
        Refused: a line is too large, or the file is cut.
    """
    with path.open("rb") as file:
        try:
            for offset, line in lines_of(file, path.name, MAX_DOCUMENT):
                if line is None:
                    raise Refused(larger_than(MAX_DOCUMENT), offset, fatal=True)
                yield line
        except EOFError:
            raise Refused("truncated", file.tell(), fatal=True) from None
