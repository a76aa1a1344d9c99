"""A copy of a catalog that opens on another machine: one DuckDB file, with no path of this machine in it.

What is a view over Parquet files in the work folder is a table here. Documents are a sample, the same at every copy: of
each domain and quality bucket those whose ids have the smallest hashes.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where a catalog is opened
    import duckdb

from flows.catalog.catalog import MOVED, READERS, create_meta, create_table, create_views
from flows.catalog.newer import check_workspace
from flows.catalog.schema import META, OVER_FILES, TABLES, VERSION
from flows.errors import ExperimentError
from flows.experiment import Experiment
from pipeline.store.writing import aside_of, rename

LONGEST = 4_000  # characters of a text
SAMPLED = {"documents": ("domain", "bucket"), "dropped": ("step", "reason", "source")}  # table → what is sampled by
TEXTS = {"documents": "text", "dropped": "text", "contaminated": "matched"}
PATHS = (("blends", "folder"), ("sources", "path"), ("refused", "shard"))  # columns that may hold paths
WHOLE = "work_catalog"  # name of the catalog that is copied


@dataclass(frozen=True)
class Portable:
    """What a copy holds."""

    file: Path
    documents: int
    documents_of: int
    bytes: int


@dataclass(frozen=True)
class Taken:
    """How much of the Parquet files a copy takes."""

    per_bucket: int  # documents of a domain and bucket; of the dropped ones by step, reason and source
    longest: int | None  # characters of a text; None takes all
    documents: bool  # whether there are any


def write_portable(
    experiment: Experiment, file: Path, per_bucket: int, texts: bool = False, documents: bool = True
) -> Portable:
    """Write the copy aside, and rename it when it is whole.

    per_bucket: documents of each domain and bucket. texts: whole texts. documents: whether there are any.

    Raises:
        ExperimentError: there is no catalog, or the file is there and no portable catalog.
    """
    import duckdb

    check_workspace(experiment.folder)
    _check_file(experiment, file)
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = aside_of(file)
    try:
        with duckdb.connect(str(aside), config={"storage_compatibility_version": READERS}) as copy:
            counts = _fill(copy, experiment, Taken(per_bucket, None if texts else LONGEST, documents))
        rename(aside, file)
    finally:
        aside.unlink(missing_ok=True)
        aside.with_name(f"{aside.name}.wal").unlink(missing_ok=True)
    return Portable(file, *counts, file.stat().st_size)


def _check_file(experiment: Experiment, file: Path) -> None:
    if not experiment.catalog.is_file():
        raise ExperimentError(f"catalog: no file {experiment.catalog} — run `mixwright run` on the experiment first")
    if os.path.lexists(file) and not _is_portable(file):
        raise ExperimentError(f"--portable {file}: is there and is no portable catalog — name a file that is not there")


def _is_portable(file: Path) -> bool:
    import duckdb

    try:
        with duckdb.connect(str(file), read_only=True) as catalog:
            return bool(catalog.execute("select portable from meta").fetchall()[0][0])
    except (duckdb.Error, IndexError):
        return False


def _fill(copy: "duckdb.DuckDBPyConnection", experiment: Experiment, taken: Taken) -> tuple[int, int]:
    """Fill the copy; returns the documents that it holds, and those of the pool."""
    folder = experiment.folder.resolve()
    copy.execute(f"set variable {MOVED} = '{_quoted(str(folder))}'")
    copy.execute(f"attach '{_quoted(str(experiment.catalog))}' as {WHOLE} (read_only)")
    head = copy.execute(f"select {', '.join(list(META)[:5])} from {WHOLE}.meta").fetchall()[0]
    if head[0] != VERSION:
        raise ExperimentError(
            f"catalog: {experiment.catalog} has schema version {head[0]}, and a copy needs {VERSION} — `mixwright run` "
            "(seconds, as all is finished) makes it anew"
        )
    for name in TABLES:
        create_table(copy, name)
        copy.execute(f"insert into {name} by name from {WHOLE}.{name}")
    for name in OVER_FILES:
        create_table(copy, name)
        copy.execute(f"insert into {name} by name {_rows(name, taken)}")
    held, whole = (copy.execute(f"select count(*) from {of}documents").fetchall()[0][0] for of in ("", f"{WHOLE}."))
    _version, name, label, _folder, content = head
    create_meta(copy, [VERSION, name, label, "", content, True, held, whole])
    create_views(copy)
    copy.execute(f"detach {WHOLE}")
    _hide_paths(copy, (folder, experiment.base))
    return held, whole


def _rows(name: str, taken: Taken) -> str:
    """The query that gives a table's rows: sampled and cut as they have to be."""
    text = TEXTS.get(name)
    columns = [f'"{column}"' for column in OVER_FILES[name].columns if column != text]
    if text:
        columns.append(f'left("{text}", {taken.longest}) as "{text}"' if taken.longest else f'"{text}"')
    query = f"select {', '.join(columns)} from {WHOLE}.{name}"
    if name == "documents" and not taken.documents:
        return f"{query} limit 0"
    if name not in SAMPLED:
        return query
    by = ", ".join(SAMPLED[name])
    chosen = f"select {by}, min_by(id, md5(id), {taken.per_bucket}) as ids from {WHOLE}.{name} group by {by}"
    return f"{query} semi join (select {by}, unnest(ids) as id from ({chosen})) using ({by}, id)"


def _hide_paths(copy: "duckdb.DuckDBPyConnection", folders: tuple[Path, ...]) -> None:
    """Make paths relative to the experiment's folder, or leave their last part; then see that no column names one of
    this machine's folders.

    Raises:
        ExperimentError: a column does.
    """
    for table, column in PATHS:
        for folder in folders:
            copy.execute(f"update {table} set {column} = replace({column}, $1, '')", [f"{folder}/"])
        absolute = f"{column} like '/%'"
        copy.execute(f"update {table} set {column} = '…/' || parse_filename({column}) where {absolute}")
    for table, column in _text_columns(copy):
        for folder in folders:
            found = copy.execute(
                f'select 1 from {table} where contains("{column}"::varchar, $1) limit 1', [str(folder)]
            )
            if found.fetchall():
                raise ExperimentError(
                    f"--portable: column {column} of {table} holds {folder}, a path of this machine — leave documents "
                    "out with --no-documents where a text holds it, or rename the source or blend that does"
                )


def _text_columns(copy: "duckdb.DuckDBPyConnection") -> Iterator[tuple[str, str]]:
    kinds = "data_type in ('VARCHAR', 'JSON')"
    tables = "(select table_name from duckdb_tables() where not internal)"
    yield from copy.execute(
        f"select table_name, column_name from duckdb_columns() where {kinds} and table_name in {tables}"
    ).fetchall()


def _quoted(text: str) -> str:
    return text.replace("'", "''")
