"""Rows by their key: the column that joins two tables, the rows that both have, and draws of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from mixes.errors import MixError
from mixes.runs import Runs

KEYS = ("run", "run_id", "name", "index")
LISTED = 5  # names in a message


@dataclass(frozen=True)
class Table:
    """Rows as they were read: key columns as text, numbers as numbers."""

    name: str  # of the file, for messages
    frame: pl.DataFrame


def table_of(name: str, frame: pl.DataFrame) -> Table:
    """A frame as a table, its key columns as text."""
    keys = [column for column in frame.columns if column in KEYS]
    return Table(name, frame.with_columns(pl.col(keys).cast(pl.String)))


def shared_key(ratios: Table, metrics: Table) -> tuple[str, list[str]]:
    """The key column that joins two tables, and notes on the choice.

    The first of `KEYS` that both tables have and that no two rows share; `index`, which is a mere row number in
    some files, only where nothing else is shared. Other shared keys must agree, `index` excepted.

    Raises:
        MixError: no key is shared, every shared one names two rows alike, or two of them disagree.
    """
    shared = [name for name in KEYS if name in ratios.frame.columns and name in metrics.frame.columns]
    if not shared:
        has = [f"{table.name} has {listed(table.frame.columns)}" for table in (ratios, metrics)]
        raise MixError(f"no key column is in both files ({'; '.join(has)}) — give each row one of {', '.join(KEYS)}")
    tried = [name for name in shared if name != "index"] or shared
    twice = [(name, table, _twice(table, name)) for name in tried for table in (ratios, metrics)]
    free = [name for name in tried if all(doubled is None for other, _, doubled in twice if other == name)]
    if not free:
        name, table, doubled = next(row for row in twice if row[2] is not None)
        rows_by_key(table, name)  # it raises first where two rows have no key
        raise MixError(
            f"{table.name}: {name} {doubled!r} appears twice — a run is one row; replicates of one mix have keys "
            "of their own"
        )
    chosen = free[0]
    notes = [f"joined by {chosen!r}" + (f" (both files also have {listed(shared, chosen)})" if shared[1:] else "")]
    for other in shared:
        apart = _disagree(ratios, metrics, chosen, other) if other != chosen else None
        if apart and other != "index":
            raise MixError(
                f"{chosen} {apart[0]!r} has {other} {apart[1]!r} in {ratios.name} and {apart[2]!r} in {metrics.name} "
                "— make them agree, or leave one of the two columns out"
            )
        if apart:
            notes.append(f"'index' differs between the files, for example at {chosen} {apart[0]!r}: not used")
    return chosen, notes


def rows_by_key(table: Table, key: str) -> dict[str, int]:
    """Key → row.

    Raises:
        MixError: a row has no key.
    """
    rows = {name: row for row, name in enumerate(_keys(table, key))}
    if "" in rows:
        raise MixError(f"{table.name}: row {rows[''] + 1} has no {key} — every run needs its key")
    return rows


def check_same_keys(key: str, first: str, left: Mapping[str, int], second: str, right: Mapping[str, int]) -> None:
    """Refuse keys that only one of two tables has."""
    for name, rows, other, other_rows in ((first, left, second, right), (second, right, first, left)):
        alone = [value for value in rows if value not in other_rows]
        if alone:
            raise MixError(
                f"{len(alone)} of {len(rows)} rows of {name} have no row in {other}: {key} {listed(alone)} "
                "— both files need the same runs"
            )


def draw_runs(runs: Runs, count: int, seed: int) -> Runs:
    """The first `count` of the runs in order of key, permuted by `numpy.random.default_rng(seed)`.

    Keys that are all numbers are in the order of the numbers.

    Raises:
        MixError: there are fewer runs.
    """
    if not 0 < count <= len(runs):
        raise MixError(f"`runs` {count}: the swarm holds {len(runs)} — give a number from 1 to {len(runs)}")
    numbers = all(name.isdecimal() for name in runs.ids)
    ordered = sorted(range(len(runs)), key=lambda i: int(runs.ids[i]) if numbers else i)
    drawn = np.random.default_rng(seed).permutation(len(runs))[:count]
    return runs.select(sorted(ordered[i] for i in drawn))


def _keys(table: Table, key: str) -> list[str]:
    """The key of every row as text, whole numbers without decimals; empty where there is none."""
    column = table.frame[key].cast(pl.String).str.strip_chars().fill_null("")
    if column.str.contains(r"^\d+(\.0+)?$").all():
        column = column.str.replace(r"\.0+$", "").str.replace(r"^0+(\d)", "${1}")
    return column.to_list()


def _twice(table: Table, key: str) -> str | None:
    """The first key that two rows have."""
    seen: set[str] = set()
    for name in _keys(table, key):
        if name in seen:
            return name
        seen.add(name)
    return None


def _disagree(ratios: Table, metrics: Table, key: str, other: str) -> tuple[str, str, str] | None:
    """The first key whose rows have two values of another key column, and the two."""
    left, right = (dict(zip(_keys(table, key), _keys(table, other), strict=True)) for table in (ratios, metrics))
    apart = (name for name in left if name in right and left[name] and right[name] and left[name] != right[name])
    return next(((name, left[name], right[name]) for name in apart), None)


def listed(names: Sequence[str], but: str = "") -> str:
    """The first few names, quoted."""
    shown = [repr(name) for name in names if name != but]
    return ", ".join(shown[:LISTED]) + (f" and {len(shown) - LISTED} more" if len(shown) > LISTED else "")
