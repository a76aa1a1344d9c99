"""The DuckDB catalog: rebuilt aside from the current records and renamed into place, so readers never wait.

DuckDB lets one writer lock out every reader; here nothing ever writes to a catalog that someone may read.
"""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where a catalog is opened
    import duckdb

    from flows.catalog.current import Current
    from flows.experiment import Experiment

from flows.catalog.schema import OVER_FILES, TABLES, VERSION, VIEWS, WHY


def rebuild_catalog(experiment: "Experiment", current: "Current") -> Path:
    """Write `catalog.duckdb` from the current records, unless it was built from just these."""
    import duckdb

    content = _content_hash(experiment, current)
    if _built_from(experiment.catalog) == content:
        return experiment.catalog
    aside = experiment.catalog.with_name(f".catalog.{os.getpid()}.duckdb")
    try:
        aside.unlink(missing_ok=True)
        with duckdb.connect(str(aside)) as catalog:
            _fill(catalog, experiment, current, content)
        _wal(experiment.catalog).unlink(missing_ok=True)  # another writer's, of the catalog that goes
        os.replace(aside, experiment.catalog)
    finally:
        aside.unlink(missing_ok=True)
        _wal(aside).unlink(missing_ok=True)
    return experiment.catalog


def _fill(catalog: "duckdb.DuckDBPyConnection", experiment: "Experiment", current: "Current", content: str) -> None:
    catalog.execute("create table meta (schema_version integer, experiment varchar, name varchar, built_from varchar)")
    catalog.execute("comment on table meta is 'What this file is'")
    catalog.execute("insert into meta values (?, ?, ?, ?)", [VERSION, experiment.id, experiment.name, content])
    for name in TABLES:
        _create(catalog, name, [str(experiment.folder / file) for file in current.get(name, [])])
    for name, comment in OVER_FILES.items():
        # Views, since documents may be billions; DuckDB takes no parameters in them, so quotes are doubled.
        paths = ["'" + _quoted(str(experiment.folder / file)) + "'" for file in current.get(name, [])]
        if paths:
            catalog.execute(f"create view {name} as select * from read_parquet([{', '.join(paths)}])")
            catalog.execute(f"comment on view {name} is '{_quoted(comment)}'")
    for name in ("recommended_vs_natural", *VIEWS):
        comment, query = VIEWS[name]
        catalog.execute(f"create or replace view {name} as {query}")
        catalog.execute(f"comment on view {name} is '{comment}'")
    catalog.execute(WHY)


def _wal(catalog: Path) -> Path:
    """DuckDB's log of changes beside a catalog."""
    return catalog.with_name(f"{catalog.name}.wal")


def _content_hash(experiment: "Experiment", current: "Current") -> str:
    """SHA-256 of all that decides a catalog: its schema, its folder, the contents of the records behind its tables."""
    schema = (VERSION, TABLES, OVER_FILES, VIEWS, WHY)
    made_of = (experiment.id, str(experiment.folder), sorted(current.items()))
    digest = hashlib.sha256(repr((schema, made_of)).encode())
    for name in TABLES:
        for file in current.get(name, []):
            digest.update((experiment.folder / file).read_bytes())
    return digest.hexdigest()


def _built_from(path: Path) -> str | None:
    """What a catalog says it was built from; None where it cannot be read."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as catalog:
            return str(catalog.execute("select built_from from meta").fetchall()[0][0])
    except (duckdb.Error, IndexError):
        return None


def _create(catalog: "duckdb.DuckDBPyConnection", name: str, files: list[str]) -> None:
    table = TABLES[name]
    columns = ", ".join(f"{column} {kind}" for column, (kind, _) in table.columns.items())
    catalog.execute(f"create table {name} ({columns}, primary key ({', '.join(table.key)}))")
    catalog.execute(f"comment on table {name} is '{_quoted(table.comment)}'")
    for column, (_, comment) in table.columns.items():
        catalog.execute(f"comment on column {name}.{column} is '{_quoted(comment)}'")
    if files:
        catalog.execute(f"insert into {name} by name select {', '.join(table.columns)} from read_parquet(?)", [files])


def _quoted(text: str) -> str:
    return text.replace("'", "''")
