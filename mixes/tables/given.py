"""Tables as a program has them: data frames and mappings in place of files."""

import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from mixes.errors import MixError, cut_short
from mixes.tables.families import Families, families_of
from mixes.tables.keys import Table, listed, table_of
from mixes.tables.read import read_families, read_table, read_tokens
from mixes.tables.results import is_results
from mixes.tables.tokens import counted_tokens

UNNAMED = re.compile(r"column_\d+|\d+")  # what polars and pandas call columns that were given no name
Place = str | PathLike[str]


def given_table(what: str, given: Any) -> Table:
    """The table of a path, or of a polars or pandas data frame; what: the argument, for messages.

    Raises:
        MixError: it is neither, cannot be read, or its columns have no names.
    """
    if isinstance(given, str | PathLike):
        return read_table(Path(given))
    frame = _frame(what, given)
    unnamed = [name for name in frame.columns if UNNAMED.fullmatch(name)]
    if unnamed:
        raise MixError(
            f"{what}: the data frame has columns without names ({listed(unnamed)}) — name each by its domain or "
            "metric, and the key column 'run'"
        )
    return table_of(what, frame)


def given_metrics(given: Any) -> Table | str:
    """The scores: a table, or the place of result files (a folder or glob).

    Raises:
        MixError: as `given_table`.
    """
    if isinstance(given, str | PathLike) and is_results(str(given)):
        return str(given)
    return given_table("metrics", given)


def given_families(given: Any) -> Families | None:
    """The families of a path, or of a mapping as the file holds it; None is none.

    Raises:
        MixError: it is neither, or a field is wrong.
    """
    if given is None:
        return None
    return read_families(Path(given)) if isinstance(given, str | PathLike) else families_of("families", given)


def given_tokens(given: Any) -> dict[str, float] | None:
    """Domain → available tokens, of a path, a mapping, or a data frame with the columns domain and tokens.

    Raises:
        MixError: it is none of these, or a count is no positive number.
    """
    if given is None:
        return None
    if isinstance(given, str | PathLike):
        return read_tokens(Path(given))
    if isinstance(given, Mapping):
        return counted_tokens("tokens", ((name, _plain(count)) for name, count in given.items()))
    frame = _frame("tokens", given)
    for column in ("domain", "tokens"):
        if column not in frame.columns:
            raise MixError(f"tokens: the data frame has no column {column!r} — its columns are to be domain and tokens")
    return counted_tokens("tokens", frame.select("domain", "tokens").iter_rows())


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _one_kind(frame: Any) -> Any:
    """A pandas frame whose columns of mixed objects are text, as a file would hold them."""
    mixed = [
        name for name, kind in frame.dtypes.items()
        if kind.name == "object" and len({type(value) for value in frame[name].dropna()}) > 1
    ]  # fmt: skip
    return frame.assign(**{name: frame[name].map(str, na_action="ignore") for name in mixed})


def _frame(what: str, given: Any) -> pl.DataFrame:
    if isinstance(given, pl.LazyFrame):
        return given.collect()
    if isinstance(given, pl.DataFrame):
        return given
    if type(given).__module__.partition(".")[0] == "pandas" and hasattr(given, "columns"):
        twice = [str(name) for name in given.columns[given.columns.duplicated()]]
        if twice:
            raise MixError(f"{what}: two columns are called {twice[0]!r} — rename one or take it out")
        return pl.from_pandas(_one_kind(given.rename(columns=str)))
    raise MixError(f"{what}: is {cut_short(given)} — give a path, or a polars or pandas data frame")
