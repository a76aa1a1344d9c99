"""Reads a catalog: one query that may see the catalog and the records of its work folder, and nothing else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where a catalog is opened
    import duckdb
    import polars as pl

from flows.catalog.catalog import MOVED
from flows.catalog.schema import MACROS, OVER_FILES, TABLES, VERSION, VIEWS
from flows.errors import ExperimentError

READABLE = ("stages", "records")  # folders beside a catalog that its views read
QUOTE = "'"
LOCKED = (
    "set autoinstall_known_extensions = false", "set autoload_known_extensions = false",
    "set enable_external_access = false", "set lock_configuration = true",
)  # fmt: skip


def query_catalog(
    path: Path, query: str, values: Sequence[object] = (), most: int | None = None, seconds: float | None = None
) -> "pl.DataFrame":
    """Run one query that only reads.

    most: rows that are fetched; seconds: that the query may take.

    Raises:
        ExperimentError: no catalog, one of a newer schema, a query that is no SELECT or that DuckDB refuses, or one
            that takes longer than `seconds`.
    """
    import duckdb

    if not path.is_file():
        raise ExperimentError(f"catalog: no file {path} — run `recommend-mix` on the experiment first")
    try:
        _check_query(query)
        with _opened(path) as catalog:
            version = catalog.execute("select schema_version from meta").fetchall()[0][0]
            if version > VERSION:
                raise ExperimentError(
                    f"catalog: {path} has schema version {version}, this mixwright reads up to "
                    f"{VERSION} — upgrade mixwright, or rebuild the catalog with `mixwright run`"
                )
            with _stopped_after(catalog, seconds):
                result = catalog.sql(query, params=list(values)) if values else catalog.sql(query)
                if result is None:
                    raise ExperimentError("sql: the query gives no table — write one SELECT")
                return (result.limit(most) if most is not None else result).pl()
    except duckdb.InterruptException:
        raise ExperimentError(f"sql: the query took longer than {seconds:g} seconds — ask for less") from None
    except duckdb.Error as error:
        raise ExperimentError(f"sql: {_first_line(error)}{_hint(error)}") from None


def _hint(error: "duckdb.Error") -> str:
    """What to do about it, where that is known."""
    import duckdb

    if isinstance(error, duckdb.CatalogException):
        return f" — there are {', '.join(sorted({*TABLES, *VIEWS, *OVER_FILES, *MACROS}))}"
    if isinstance(error, duckdb.IOException) and "No files found" in str(error):
        return f" — {', '.join(OVER_FILES)} are read from stages/ beside the catalog: copy the whole work folder"
    return ""


@contextmanager
def _stopped_after(catalog: "duckdb.DuckDBPyConnection", seconds: float | None) -> Iterator[None]:
    """Interrupt what the connection does when the time is up."""
    if seconds is None:
        yield
        return
    timer = Timer(seconds, catalog.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _check_query(query: str) -> None:
    """See that it is one SELECT, in any of DuckDB's ways to write one."""
    import duckdb

    statements = duckdb.extract_statements(query)
    if len(statements) != 1:
        raise ExperimentError(
            f"sql: {len(statements)} statements — write one SELECT, as in: from recommended_vs_natural"
        )
    kind = statements[0].type
    pivots = kind == duckdb.StatementType.MULTI and query.lstrip().lower().startswith("pivot")
    if kind != duckdb.StatementType.SELECT and not pivots:
        raise ExperimentError(
            f"sql: {query.strip()[:60]!r} is {kind.name}, and only SELECT is allowed — a catalog is for reading"
        )


def _opened(path: Path) -> "duckdb.DuckDBPyConnection":
    """The catalog without a way out of its work folder.

    Raises:
        ExperimentError: it is damaged, or another program writes to it.
    """
    import duckdb

    try:
        catalog = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        wal = path.with_name(f"{path.name}.wal")
        cause = f"another program has left {wal.name} beside it" if wal.exists() else _first_line(error)
        raise ExperimentError(
            f"catalog: {path} cannot be opened: {cause} — `mixwright run` (seconds, as all is finished) makes it anew"
        ) from None
    folder = str(path.resolve().parent)
    catalog.execute(f"set variable {MOVED} = '{folder.replace(QUOTE, 2 * QUOTE)}'")  # which may have moved since
    if catalog.execute("select current_setting('lock_configuration')").fetchall()[0][0]:
        return catalog  # opened before by this process, which DuckDB shares
    folders = [f"{folder}/{name}/" for name in READABLE]
    catalog.execute("set allowed_directories = $1", [folders])
    for statement in LOCKED:
        catalog.execute(statement)
    return catalog


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
