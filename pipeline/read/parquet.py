"""Reads Parquet: only the columns that somebody asked for, so that no other one can hurt."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.data import Document

from pipeline.errors import PipelineError
from pipeline.read.packing import kind_of, packing_of
from pipeline.read.record import document_of
from pipeline.read.refused import Refused, unreadable
from pipeline.read.settings import MAX_DOCUMENT
from pipeline.read.sources import Shard

ROWS = 500  # rows in memory at a time
MAGIC, ENCRYPTED = b"PAR1", b"PARE"
LOOK = 512  # bytes that tell how a file is packed


def read_parquet(shard: Shard, limit: int = MAX_DOCUMENT) -> Iterator[Document | Refused]:
    """Documents of a Parquet file; the offset of a refused one is its row.

    Raises:
        PipelineError: the file has no column for the text, or one that holds no texts.
    """
    row_number = 0
    try:
        with shard.open() as file:
            _check_start(file.read(LOOK))
            file.seek(0)
            with pq.ParquetFile(file) as table:
                _check_text(shard, table.schema_arrow)
                asked = _asked(shard, table.schema_arrow)
                for group in range(table.num_row_groups):  # of all at once, pyarrow would hold the whole file
                    for batch in table.iter_batches(batch_size=ROWS, row_groups=[group], columns=asked):
                        for row in rows_of(batch):
                            yield document_of(shard, row_number, row, limit)
                            row_number += 1
    except PipelineError:
        raise
    except Refused as refused:
        yield refused
    except Exception as error:  # a file system raises what it likes
        yield unreadable(error, row_number)


def _check_start(head: bytes) -> None:
    packing = packing_of(head)
    if packing:
        raise Refused(f"packed as {packing}: unpack it, since Parquet packs its own columns", 0, fatal=True)
    if head.startswith(ENCRYPTED):
        raise Refused("an encrypted Parquet file", 0, fatal=True)
    if not head.startswith(MAGIC):
        raise Refused(f"{kind_of(head) or 'something else'}, not Parquet" if head else "empty file", 0, fatal=True)


def _asked(shard: Shard, schema: pa.Schema) -> list[str]:
    """The paths of the fields that are there, and of the attribute that somebody learns from."""
    fields = [path for path in shard.fields.model_dump().values() if path]
    attribute = [shard.attribute, f"metadata.{shard.attribute}"] if shard.attribute else []
    return sorted({path for path in [*fields, *attribute] if _type_of(schema, path)})


def _type_of(schema: pa.Schema, path: str) -> pa.DataType | None:
    """The type of a column by its dotted path; None where it is not there."""
    name, *steps = path.split(".")
    kind = schema.field(name).type if schema.get_field_index(name) >= 0 else None
    for step in steps:
        inner = kind.get_field_index(step) if kind is not None and pa.types.is_struct(kind) else -1
        kind = kind.field(inner).type if kind is not None and inner >= 0 else None
    return kind


def _check_text(shard: Shard, schema: pa.Schema) -> None:
    where, path = f"sources.{shard.source}.fields.text: {shard.name}", shard.fields.text
    kind = _type_of(schema, path)
    if kind is None:
        raise PipelineError(f"{where} has no column {path!r} — it has {', '.join(schema.names)}")
    value = kind.value_type if pa.types.is_dictionary(kind) else getattr(kind, "storage_type", kind)
    if not _holds_text(value):
        raise PipelineError(f"{where} holds {kind} in column {path!r} — name a column of texts")


def _holds_text(kind: pa.DataType) -> bool:
    of_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    of_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return of_text or of_bytes or pa.types.is_null(kind)


def rows_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Rows as dictionaries, whatever Python makes of single values."""
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except (ValueError, OverflowError):  # a date before year 1, bytes that are no text
        columns = [[_value(item) for item in column] for column in batch.columns]
        rows = [dict(zip(batch.schema.names, values, strict=True)) for values in zip(*columns, strict=True)]
    return rows


def _value(item: pa.Scalar) -> Any:
    """A value as Python has it; what Python has none for stays Arrow's, or becomes nothing."""
    try:
        return item.as_py()
    except UnicodeDecodeError:
        return item.as_buffer().to_pybytes()
    except (ValueError, OverflowError):
        return {name: _value(inner) for name, inner in item.items()} if isinstance(item, pa.StructScalar) else None
