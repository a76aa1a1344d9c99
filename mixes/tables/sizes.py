"""Sizes of proxies in a table: the columns `parameters` (or `size`) and `tokens`, as numbers or written 60M and 20B."""

from collections.abc import Mapping
from itertools import pairwise

import polars as pl

from mixes.errors import MixError, cut_short
from mixes.runs import Size
from mixes.sizes import parse_count
from mixes.tables.keys import Table

PARAMETERS = ("parameters", "params", "size", "model_size")
TOKENS = "tokens"
LEAST = 1_000  # parameters or tokens; a column of smaller numbers holds weights or scores, and is left


def without_sizes(table: Table) -> tuple[Table, list[Size], list[str]]:
    """The table without its columns of sizes; the sizes by row, none where it has none; a note.

    Raises:
        MixError: a cell that is no size, or tokens without parameters.
    """
    columns = [name for name in PARAMETERS if _holds_counts(table.frame, name)]
    has_tokens = _holds_counts(table.frame, TOKENS)
    if not columns:
        return table, [], []
    if len(columns) > 1 and columns[:2] != ["parameters", "size"]:
        raise MixError(f"{table.name}: columns {columns[0]!r} and {columns[1]!r} both hold sizes — take one out")
    parameters = _counts(table, columns[0])
    tokens = _counts(table, TOKENS) if has_tokens else [0.0] * len(parameters)
    sizes = [Size(*pair) for pair in zip(parameters, tokens, strict=True)]
    dropped = [*columns, *([TOKENS] if has_tokens else [])]
    named = ", ".join(str(size) for size in sorted(set(sizes))[:8])
    note = f"{table.name}: {' and '.join(map(repr, dropped))} hold the proxies' sizes ({named})"
    return Table(table.name, table.frame.drop(dropped)), sizes, [note]


def sizes_by_key(key: str, *tables: tuple[str, list[Size], Mapping[str, int]]) -> list[Size]:
    """The sizes in order of key; tables: name, sizes by row (none where it has none), key → row.

    Raises:
        MixError: two tables give a run two sizes.
    """
    stating = [(name, {run: sizes[row] for run, row in rows.items()}) for name, sizes, rows in tables if sizes]
    for (first, own), (second, other) in pairwise(stating):
        for run in sorted(own):
            if own[run] != other[run]:
                raise MixError(
                    f"{key} {run!r} has the size {own[run]} in {first} and {other[run]} in {second} — make them agree, "
                    "or leave the sizes out of one table"
                )
    return [size for _, size in sorted(stating[0][1].items())] if stating else []


def _holds_counts(frame: pl.DataFrame, name: str) -> bool:
    """Whether a column's first value is a count of parameters or tokens, not a weight or a word."""
    if name not in frame.columns:
        return False
    first = next((value for value in frame[name].to_list() if value is not None and str(value).strip()), None)
    try:
        return parse_count(_text(first)) >= LEAST
    except MixError:
        return False


def _counts(table: Table, name: str) -> list[float]:
    counts = []
    for row, value in enumerate(table.frame[name].to_list()):
        try:
            count = parse_count(_text(value))
        except MixError:
            count = 0.0
        if count < LEAST:
            raise MixError(
                f"{table.name}: row {row + 1}, column {name!r} is {cut_short(value)}, which is no number of "
                f"{'tokens' if name == TOKENS else 'parameters'} — write for example 60M, 1B or 1200000000"
            )
        counts.append(count)
    return counts


def _text(value: object) -> str:
    """A cell as `parse_count` takes it: 1e9 and 1000000000.0 are numbers of a table too."""
    return f"{value:.0f}" if isinstance(value, float) and value == value else str(value)
