"""Rows of a query for programs: CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def rows_as_csv(table: "pl.DataFrame") -> str:
    """A head, and a line per row; null is empty, lists and structs are JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.iter_rows():
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().removesuffix("\n")


def rows_as_json(table: "pl.DataFrame") -> str:
    """A list of objects, one per line; times as ISO 8601, numbers that JSON lacks (NaN, infinity) as null."""
    rows = [json.dumps(_plain(row), ensure_ascii=False) for row in table.iter_rows(named=True)]
    return "[" + ",\n".join(rows) + "]"


def _cell(value: Any) -> Any:
    """A value as CSV has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return value
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, list | dict) else plain


def _plain(value: Any) -> Any:
    """A value as JSON has them."""
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
