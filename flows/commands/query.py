"""Commands that look at what a flow left: `sql`, `dropped`."""

from pathlib import Path
from typing import Annotated

import typer

from flows.errors import ExperimentError


def sql(
    query: Annotated[str, typer.Argument(help="A DuckDB query, for example: from recommended_vs_natural")],
    catalog: Annotated[Path, typer.Option(help="The catalog.")] = Path("build/work/catalog.duckdb"),
) -> None:
    """Query the catalog; tables and views are listed by `show tables`."""
    import polars as pl

    from flows.catalog.catalog import query_catalog

    found = query_catalog(catalog, query)
    with pl.Config(tbl_rows=200, tbl_cols=50, tbl_width_chars=200, fmt_str_lengths=60, tbl_hide_dataframe_shape=True):
        print(found)


def dropped(
    reason: Annotated[str | None, typer.Option(help="Only this reason; without it, the reasons are listed.")] = None,
    source: Annotated[str | None, typer.Option(help="Only this source.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Documents shown.")] = 5,
    catalog: Annotated[Path, typer.Option(help="The catalog.")] = Path("build/work/catalog.duckdb"),
) -> None:
    """Show documents that a filter dropped, as sampled while it ran."""
    from flows.catalog.catalog import query_catalog

    if reason is None:
        sql("select step, reason, source, count(*) as sampled from dropped group by all order by all", catalog)
        return
    chosen = "reason = ? and coalesce(source = ?, true)"
    query = f"select source, id, text from dropped where {chosen} order by id limit {most}"
    found = query_catalog(catalog, query, [reason, source])
    if not len(found):
        raise ExperimentError(
            f"dropped: no document was dropped for {reason!r} — `mixwright dropped` lists the reasons"
        )
    for row in found.iter_rows(named=True):
        print(f"── {row['source']} {row['id']}\n{row['text'][:1_000].strip()}\n")
