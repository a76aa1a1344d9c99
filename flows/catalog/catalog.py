"""The DuckDB catalog: rebuilt aside from the current records and renamed into place, so readers never wait.

DuckDB lets one writer lock out every reader; here nothing ever writes to a catalog that someone may read.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where a catalog is opened
    from collections.abc import Mapping, Sequence

    import duckdb

    from flows.catalog.current import Current
    from flows.experiment import Experiment

from flows.catalog.schema import ABOUT_THE_CATALOG, MACROS, META, OVER_FILES, TABLES, VERSION, VIEWS, Columns
from pipeline.store.writing import aside_of, rename

READERS = "v1.0.0"  # the oldest DuckDB that can open a catalog: people have older ones than the one that writes it
MOVED = "work_folder"  # variable of a connection that says where the work folder is now


def rebuild_catalog(experiment: "Experiment", current: "Current", swarm: str | None) -> Path:
    """Write `catalog.duckdb` from the current records, unless it was built from just these.

    swarm: the current one, which rows of `recommendations` are compared with.
    """
    import duckdb

    content = _content_hash(experiment, current, swarm)
    if _built_from(experiment.catalog) == content:
        return experiment.catalog
    aside = aside_of(experiment.catalog)
    try:
        aside.unlink(missing_ok=True)
        with duckdb.connect(str(aside), config={"storage_compatibility_version": READERS}) as catalog:
            catalog.begin()  # hundreds of statements: each would wait for the disk on its own
            _fill(catalog, experiment, current, swarm, content)
            catalog.commit()
        _wal(experiment.catalog).unlink(missing_ok=True)  # another writer's, of the catalog that goes
        rename(aside, experiment.catalog)
    finally:
        aside.unlink(missing_ok=True)
        _wal(aside).unlink(missing_ok=True)
    return experiment.catalog


def _fill(
    catalog: "duckdb.DuckDBPyConnection", experiment: "Experiment", current: "Current", swarm: str | None, content: str
) -> None:
    """Tables, views and macros, each with its comments."""
    folder = experiment.folder
    create_meta(catalog, [VERSION, experiment.id, experiment.name, str(folder.resolve()), content, False, None, None])
    for name in TABLES:
        create_table(catalog, name)
        _insert(catalog, name, [str(folder / file) for file in current.get(name, [])], swarm)
    for name, files in OVER_FILES.items():
        query = _over_files(str(folder.resolve()), current.get(name, []), files.columns)
        catalog.execute(f"create view {name} as {query}")
        _comment(catalog, "view", name, files.comment, _comments(files.columns))
    create_views(catalog)


def create_meta(catalog: "duckdb.DuckDBPyConnection", row: "Sequence[object]") -> None:
    """Create the table that says what the catalog is, with its one row."""
    kinds = ", ".join(f"{column} {kind}" for column, (kind, _) in META.items())
    catalog.execute(f"create table meta ({kinds})")
    catalog.execute(f"insert into meta values ({', '.join('?' * len(META))})", list(row))
    _comment(catalog, "table", "meta", ABOUT_THE_CATALOG, _comments(META))


def create_table(catalog: "duckdb.DuckDBPyConnection", name: str) -> None:
    """Create an empty table with its comments; one that is usually a view over files has no key."""
    about = TABLES[name] if name in TABLES else OVER_FILES[name]
    columns = ", ".join(f'"{column}" {kind}' for column, (kind, _) in about.columns.items())
    key = f", primary key ({', '.join(TABLES[name].key)})" if name in TABLES else ""
    catalog.execute(f"create table {name} ({columns}{key})")
    _comment(catalog, "table", name, about.comment, _comments(about.columns))


def create_views(catalog: "duckdb.DuckDBPyConnection") -> None:
    """Create all views and macros over the tables."""
    for name, view in VIEWS.items():
        catalog.execute(f"create view {name} as {view.query}")
        _comment(catalog, "view", name, view.comment, view.columns)
    for name, macro in MACROS.items():
        catalog.execute(f"create macro {name}({macro.parameters}) as table {macro.query}")
        _comment(catalog, "macro table", name, macro.comment, {})


def _comments(columns: Columns) -> dict[str, str]:
    return {column: comment for column, (_, comment) in columns.items()}


def _comment(
    catalog: "duckdb.DuckDBPyConnection", kind: str, name: str, comment: str, columns: "Mapping[str, str]"
) -> None:
    catalog.execute(f"comment on {kind} {name} is '{_quoted(comment)}'")
    for column, about in columns.items():
        catalog.execute(f"comment on column {name}.{column} is '{_quoted(about)}'")


def _over_files(folder: str, files: list[str], columns: Columns) -> str:
    """The query of a view over Parquet files of the work folder, wherever that is when it is asked.

    DuckDB takes relative paths from the reader's folder, not the catalog's, and no parameters in a view. So the view
    has the whole path, and a variable that takes its place.
    """
    if not files:
        nothing = ", ".join(f'null::{kind} as "{name}"' for name, (kind, _) in columns.items())
        return f"select {nothing} where false"
    place = f"coalesce(getvariable('{MOVED}'), '{_quoted(folder)}')"
    paths = ", ".join(f"{place} || '/{_quoted(file)}'" for file in files)
    names = ", ".join(f'"{name}"' for name in columns)
    return f"select {names} from read_parquet([{paths}])"


def _wal(catalog: Path) -> Path:
    """DuckDB's log of changes beside a catalog."""
    return catalog.with_name(f"{catalog.name}.wal")


def _content_hash(experiment: "Experiment", current: "Current", swarm: str | None) -> str:
    """SHA-256 of all that decides a catalog: its schema, its folder, the contents of the records behind its tables."""
    folder = experiment.folder
    schema = (VERSION, READERS, META, TABLES, OVER_FILES, VIEWS, MACROS)
    made_of = (experiment.id, str(folder), swarm, sorted(current.items()))
    digest = hashlib.sha256(repr((schema, made_of)).encode())
    for name in TABLES:
        for file in current.get(name, []):
            digest.update((folder / file).read_bytes())
    return digest.hexdigest()


def _built_from(path: Path) -> str | None:
    """What a catalog says it was built from; None where it cannot be read."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as catalog:
            return str(catalog.execute("select built_from from meta").fetchall()[0][0])
    except (duckdb.Error, IndexError):
        return None


def _insert(catalog: "duckdb.DuckDBPyConnection", name: str, files: list[str], swarm: str | None) -> None:
    """Fill a table from its records. A column that records of an older version lack is null in their rows."""
    if not files:
        return
    table = TABLES[name]
    rows = "read_parquet($files, union_by_name = true, filename = true)"
    recorded = {row[0] for row in catalog.execute(f"describe from {rows}", {"files": files}).fetchall()}
    selected = [column for column in table.columns if column in recorded and column not in table.derived]
    values: dict[str, object] = {"files": files}
    if table.derived:  # `swarm` and `current`, by the folder of a record
        selected += [
            "parse_path(filename)[-2] as swarm",
            "parse_path(filename)[-2] is not distinct from $swarm as current",
        ]
        values["swarm"] = swarm
    catalog.execute(f"insert into {name} by name select {', '.join(selected)} from {rows}", values)


def _quoted(text: str) -> str:
    return text.replace("'", "''")
