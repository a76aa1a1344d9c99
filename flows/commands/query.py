"""Commands that query what a flow recorded: `sql`, `dropped`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from flows.errors import ExperimentError
from mixes.show.printable import one_line, printable

SHOWN = 1_000  # characters of a dropped document
KINDS = {"table": "Tables", "view": "Views", "macro": "Macros, called as in: from why('code')"}
LISTED = """select name, kind, comment from (
      select table_name as name, 'table' as kind, comment from duckdb_tables() where not internal
      union all select view_name, 'view', comment from duckdb_views() where not internal
      union all select function_name || '(' || array_to_string(parameters, ', ') || ')', 'macro', comment
        from duckdb_functions() where not internal)
    order by kind, name"""
Catalog = Annotated[Path | None, typer.Option(metavar="PATH", help="A catalog, in place of EXP.yaml.")]


def sql(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXP.yaml] [QUERY]",
            help="The experiment file, and a DuckDB query, for example: from recommended_vs_natural",
        ),
    ] = None,
    catalog: Catalog = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every row of it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list of rows.")] = False,
) -> None:
    """Query an experiment's catalog. Without a query, list its tables, views and macros."""
    from flows.catalog.query import query_catalog
    from flows.show.rows import rows_as_csv, rows_as_json

    if csv and json:
        raise ExperimentError("sql: --csv and --json — give one of them")
    experiment, query = _experiment_and_query(words or [], catalog)
    file = _catalog_of("sql", experiment, catalog)
    if csv or json:
        print((rows_as_csv if csv else rows_as_json)(query_catalog(file, query or LISTED)))
    elif query:
        _show(file, query)
    else:
        _list(file)


def dropped(
    experiment: Annotated[Path | None, typer.Argument(metavar="[EXP.yaml]", help="The experiment file.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason or step. Default: list the reasons.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Number of documents shown.")] = 5,
    catalog: Catalog = None,
) -> None:
    """Show a sample of the documents that filters dropped."""
    from flows.catalog.query import query_catalog

    file = _catalog_of("dropped", experiment, catalog)
    if source is not None and not len(query_catalog(file, "select 1 from dropped where source = ? limit 1", [source])):
        raise ExperimentError(f"dropped: no document of source {source!r} was dropped — without it all are listed")
    if reason is None:
        columns = "select step, reason, source, count(*) as sampled from dropped"
        _show(file, f"{columns} where coalesce(source = ?, true) group by all order by all", [source])
        return
    chosen = "? in (reason, step) and coalesce(source = ?, true)"
    query = f"select source, id, text from dropped where {chosen} order by id limit {most}"
    documents = query_catalog(file, query, [reason, source])
    if not len(documents):
        raise ExperimentError(
            f"dropped: no document was dropped for {reason!r} — without --reason the command lists the reasons"
        )
    for row in documents.iter_rows(named=True):
        print(printable(f"── {row['source']} {row['id']}\n{row['text'][:SHOWN].strip()}\n"))


def _experiment_and_query(words: list[str], catalog: Path | None) -> tuple[Path | None, str | None]:
    if catalog and len(words) < 2:
        return None, words[0] if words else None
    is_query = len(words) == 1 and " " in words[0] and not Path(words[0]).exists()
    if not 1 <= len(words) <= 2 or is_query:
        raise ExperimentError(
            "sql: give the experiment file and one query, as in: mixwright sql EXP.yaml 'from recommended_vs_natural' "
            "— or --catalog PATH and the query"
        )
    return Path(words[0]), words[1] if len(words) == 2 else None


def _catalog_of(command: str, experiment: Path | None, catalog: Path | None) -> Path:
    if (experiment is None) == (catalog is None):
        raise ExperimentError(f"{command}: give either EXP.yaml or --catalog PATH")
    if catalog:
        return catalog
    from flows.experiment import load_experiment

    assert experiment
    return load_experiment(experiment).catalog


def _list(catalog: Path) -> None:
    """Tables, views and macros, a line each."""
    from flows.catalog.query import query_catalog

    rows = query_catalog(catalog, LISTED).rows()
    width = max(len(name) for name, _, _ in rows)
    for kind, title in KINDS.items():
        print(title)
        for name, _, comment in (row for row in rows if row[1] == kind):
            print(one_line(f"  {name:<{width}}  {comment}"))
        print()
    print("Columns of one of them: select column_name, comment from duckdb_columns() where table_name = 'domains'")


def _show(catalog: Path, query: str, values: Sequence[object] = ()) -> None:
    import polars as pl

    from flows.catalog.query import query_catalog

    table = query_catalog(catalog, query, values)
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    table = table.with_columns(pl.col(texts).map_elements(one_line, pl.String)).rename(one_line)
    with pl.Config(tbl_rows=200, tbl_cols=50, tbl_width_chars=200, fmt_str_lengths=60, tbl_hide_dataframe_shape=True):
        print(table)
