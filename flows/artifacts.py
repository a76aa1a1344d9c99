"""What a Prefect server shows of a result: the verdict as markdown, and its tables."""

from pathlib import Path
from typing import Any

from flows.orchestration import publish, publish_table
from flows.show.refresh import tables_of_refresh
from flows.show.validation import table_of_validation
from mixes.recommendation.refreshed import Refreshed
from mixes.recommendation.result import Recommendation
from mixes.recommendation.validation import Validation
from mixes.show.markdown import escaped, markdown_table
from mixes.show.printable import one_line
from mixes.show.recommendation import Shown, recommendation_markdown, tables_of

TABLES = {"recommended-weights": 0, "recommended-scores": 1}  # artifact → place in `tables_of`


def publish_recommendation(recommendation: Recommendation) -> None:
    """The verdict with what lies behind it, the mix, and the predicted scores."""
    publish("recommended-mix", recommendation_markdown(recommendation), recommendation.id)
    tables = tables_of(recommendation, Shown())
    for key, place in TABLES.items():
        title, (head, *rows) = tables[place]
        cells = [{column: one_line(cell) for column, cell in zip(head, row, strict=True)} for row in rows]
        publish_table(key, cells.copy, f"{title}: {recommendation.id}")


def publish_validation(done: Validation) -> None:
    """What was measured, and what came true of the predictions."""
    publish_table("validation", lambda: table_of_validation(done), f"Trained anew: {done.recommendation}")


def publish_refresh(done: Refreshed) -> None:
    """The verdict on the standing recommendation, with what moved and how the mix changes."""
    parts = [f"**{done.verdict}** — {escaped(done.reason)}"]
    parts += [f"### {title}\n\n{markdown_table(rows)}" for title, rows in tables_of_refresh(done)]
    publish("refresh", "\n\n".join(parts), f"{done.verdict}: {done.standing}")


def publish_funnel(catalog: Path) -> None:
    """What each stage of the corpus took in and kept, by source, as the catalog has it."""

    def rows() -> list[dict[str, Any]]:
        from flows.catalog.query import query_catalog

        found = query_catalog(catalog, "from funnel_by_stage")
        return [{name: one_line(str(cell)) for name, cell in row.items()} for row in found.iter_rows(named=True)]

    publish_table("corpus-funnel", rows, "Documents and bytes by stage")
