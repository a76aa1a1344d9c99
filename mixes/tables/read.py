"""Reads the files of anyone's swarm: CSV or Parquet tables, token counts, the families file."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from mixes.errors import MixError
from mixes.tables.families import Families, families_of
from mixes.tables.join import ScoredSwarm, join_tables
from mixes.tables.keys import KEYS, Table, table_of
from mixes.tables.metrics import stated_unit
from mixes.tables.plain_file import check_plain
from mixes.tables.results import is_results, read_results
from mixes.tables.tokens import counted_tokens
from mixes.tables.yaml_file import read_yaml

LONGEST_HEADER = 1 << 24  # bytes; a hundred thousand columns have less
PARQUET = b"PAR1"
YAML = (".yaml", ".yml", ".json")  # JSON is YAML
LOOKED_AT = 200  # first rows, by which columns of text and of numbers are told apart


def read_swarm(
    ratios: Table,
    metrics: str | Table,
    families: Path | Families | None = None,
    unit: str | None = None,
    rescale: bool = False,
) -> ScoredSwarm:
    """The runs of a table of mixes and their scores: a second table, its path, or a folder or glob of result files.

    unit: what all metrics count about which nothing else is stated; rescale: whether mixes that do not sum to one are
    scaled to it.

    Raises:
        MixError: a file cannot be read.
        MixError: what the files hold is contradictory, incomplete or doubtful.
    """
    grouped = read_families(families) if isinstance(families, Path) else families
    asked = stated_unit(unit) if unit is not None else None
    if isinstance(metrics, Table) or not is_results(metrics):
        table = metrics if isinstance(metrics, Table) else read_table(Path(metrics))
        return join_tables(ratios, table, grouped, unit=asked, rescale=rescale)
    results = read_results(metrics, ratios)
    swarm = join_tables(ratios, results.table, grouped, results.declared, unit=asked, rescale=rescale)
    return replace(swarm, notes=(*results.notes, *swarm.notes))


def read_table(path: Path) -> Table:
    """A CSV or Parquet file; columns of numbers are read as numbers, key columns and all others as text.

    Raises:
        MixError: it cannot be read, or is neither.
    """
    try:
        check_plain(path)
        with path.open("rb") as file:
            start = file.readline(LONGEST_HEADER)
        frame = pl.read_parquet(path) if start.startswith(PARQUET) else _csv(path, start)
    except OSError as error:
        raise MixError(f"{path}: {error.strerror} — give the path of a CSV or Parquet file") from None
    except pl.exceptions.PolarsError as error:
        raise MixError(f"{path}: cannot be read ({_first_line(error)})") from None
    return table_of(str(path), frame)


def read_tokens(path: Path) -> dict[str, float]:
    """Domain → available tokens: a CSV with the columns domain and tokens, or YAML: domain: tokens, or Olmix's priors.

    Raises:
        MixError: it cannot be read, names a domain twice, or has a count that is no positive number.
    """
    if path.suffix in YAML:
        return counted_tokens(str(path), _counts(path, read_yaml(path)).items())
    frame = read_table(path).frame
    missing = {"domain", "tokens"} - set(frame.columns)
    if missing:
        raise MixError(f"{path}: has no column {min(missing)!r} — its columns are to be domain and tokens")
    return counted_tokens(str(path), frame.select("domain", "tokens").iter_rows())


def _counts(path: Path, content: Any) -> dict:
    """The mapping of domain to tokens in a YAML file: the whole of it, or `token_counts`, alone or under `priors`."""
    inner = content.get("priors", content) if isinstance(content, dict) else None
    counted = inner.get("token_counts") if isinstance(inner, dict) else None
    if counted is None and isinstance(content, dict) and not any(isinstance(v, dict | list) for v in content.values()):
        counted = content
    if not isinstance(counted, dict):
        raise MixError(f"{path}: holds no token_counts — write `token_counts: {{domain: tokens, …}}`")
    return counted


def read_families(path: Path) -> Families:
    """The families file.

    Raises:
        MixError: it cannot be read, or a field is unknown or wrong.
    """
    return families_of(str(path), read_yaml(path))


def _csv(path: Path, header: bytes) -> pl.DataFrame:
    names = _header(path, header)
    first = pl.read_csv(path, infer_schema=False, n_rows=LOOKED_AT, new_columns=names)
    text = {name for name in names if name in KEYS or not _some_numbers(first[name])}
    try:
        kinds = [pl.String if name in text else pl.Float64 for name in names]
        frame = pl.read_csv(path, infer_schema=False, schema_overrides=kinds, new_columns=names)
    except pl.exceptions.ComputeError:  # a word among the numbers: read as text, it can be shown
        frame = pl.read_csv(path, infer_schema=False, new_columns=names).with_columns(pl.all().str.strip_chars())
        parsed = frame.with_columns(pl.all().cast(pl.Float64, strict=False))
        whole = [name for name in names if name not in text and parsed[name].null_count() == frame[name].null_count()]
        frame = frame.with_columns(parsed.select(whole))
    return frame.filter(~pl.all_horizontal(pl.all().is_null()))  # empty lines


def _header(path: Path, line: bytes) -> list[str]:
    """Names of the columns."""
    if not line:
        raise MixError(f"{path}: is empty")
    if len(line) == LONGEST_HEADER:
        raise MixError(f"{path}: its first line is longer than {LONGEST_HEADER:,} bytes, so it is no table")
    if b"\0" in line or path.suffix in (".parquet", ".pq"):
        raise MixError(f"{path}: is neither CSV nor Parquet (it begins with {line[:8]!r})")
    try:
        names = [name.strip() for name in next(csv.reader([line.decode("utf-8-sig")]))]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        raise MixError(f"{path}: is no CSV (it begins with {line[:8]!r})") from None
    if not names:
        raise MixError(f"{path}: its first line is empty — it is to hold the names of the columns")
    if len(names) == 1:
        other = next((mark for mark in ";\t|" if mark in names[0]), None)
        hint = f"it seems to be separated by {other!r}" if other else f"its one column is {names[0][:40]!r}"
        raise MixError(f"{path}: is not separated by commas — {hint}")
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise MixError(f"{path}: two columns are called {twice!r} — rename one or take it out")
    return names


def _some_numbers(column: pl.Series) -> bool:
    """Whether a column's beginning holds numbers or nothing."""
    return column.is_null().all() or column.str.strip_chars().cast(pl.Float64, strict=False).is_not_null().any()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]
