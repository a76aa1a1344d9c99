"""The catalog's schema, put together: the one place that says what tables and views there are."""

from flows.catalog.tables.corpus import CORPUS
from flows.catalog.tables.outcomes import OUTCOMES
from flows.catalog.tables.recommendations import RECOMMENDATIONS
from flows.catalog.tables.swarm import SWARM
from flows.catalog.tables.table import Table
from flows.catalog.views.views import VIEWS, WHY

__all__ = ["OVER_FILES", "TABLES", "VERSION", "VIEWS", "WHY"]

VERSION = 8  # raised when a table changes so that older tools would misread it

TABLES: dict[str, Table] = {**CORPUS, **SWARM, **RECOMMENDATIONS, **OUTCOMES}

OVER_FILES: dict[str, str] = {
    "documents": "The pool, a row a document, over its Parquet files; the text of what came as tokens is null",
    "dropped": "A sample of the documents that each filter dropped, by step, reason and source, for the eye",
    "contaminated": "Documents that hold an eval item: id, source, task, item, share of it, the matching text",
    "refused": "Records that could not be read: source, shard, offset (bytes, or a Parquet row), reason, fatal",
}
