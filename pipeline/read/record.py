"""Documents of records: what JSONL lines and Parquet rows have in common."""

from typing import Any

from datatrove.data import Document

from pipeline.read.refused import Refused, larger_than
from pipeline.read.sources import Shard

KINDS = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}


def field(row: Any, path: str) -> Any:
    """A value by its dotted path, None where it is not there."""
    for step in path.split("."):
        row = row.get(step) if isinstance(row, dict) else None
    return row


def document_of(shard: Shard, offset: int, row: Any, limit: int) -> Document | Refused:
    """A record as a document; its metadata object, or all its fields but the text, become attributes."""
    fields = shard.fields
    if not isinstance(row, dict):
        return Refused("not an object", offset)
    text = _decoded(field(row, fields.text))
    if not isinstance(text, str):
        return Refused(_no_text(fields.text, text), offset)
    if len(text) > limit:
        return Refused(larger_than(limit), offset)
    inner = row.get("metadata")
    attributes = (
        inner if isinstance(inner, dict) else {name: value for name, value in row.items() if name != fields.text}
    )
    metadata = {name: _text(row, getattr(fields, name)) for name in ("url", "date", "license")}
    if fields.domain:
        metadata["domain"] = _text(row, fields.domain)
    name = _text(row, fields.id) or metadata["url"]
    return Document(text=text, id=shard.document_id(offset, name), metadata={**metadata, "attributes": attributes})


def _no_text(path: str, value: Any) -> str:
    if isinstance(value, bytes):
        return f"field {path!r} is not UTF-8"
    return f"field {path!r} is {KINDS.get(type(value), 'no text')}" if value is not None else f"no field {path!r}"


def _text(row: Any, path: str) -> str:
    value = field(row, path)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _decoded(value: Any) -> Any:
    """Bytes, as some Parquet writers store texts, as a text where they are UTF-8."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return value
