"""The catalog's schema, put together: the one place that says what tables, views and macros there are."""

from flows.catalog.tables.corpus import CORPUS
from flows.catalog.tables.files import OVER_FILES
from flows.catalog.tables.outcomes import OUTCOMES
from flows.catalog.tables.recommendations import RECOMMENDATIONS
from flows.catalog.tables.swarm import SWARM
from flows.catalog.tables.table import Columns, Macro, Table, View
from flows.catalog.views.corpus import CORPUS_MACROS, CORPUS_VIEWS
from flows.catalog.views.outcomes import OUTCOME_VIEWS
from flows.catalog.views.recommendations import RECOMMENDATION_MACROS, RECOMMENDATION_VIEWS
from flows.catalog.views.swarm import SWARM_MACROS, SWARM_VIEWS

__all__ = ["ABOUT_THE_CATALOG", "MACROS", "META", "OVER_FILES", "TABLES", "VERSION", "VIEWS", "Columns", "Table"]

VERSION = 10  # raised when a table changes so that older tools would misread it
ABOUT_THE_CATALOG = "What this file is"
META: Columns = {
    "schema_version": ("INTEGER", "version of these tables; a newer one may not be read by an older mixwright"),
    "experiment": ("VARCHAR", "id of the experiment whose settings are in experiments/ of the work folder"),
    "name": ("VARCHAR", "name of the experiment"),
    "work_folder": (
        "VARCHAR",
        "where documents, dropped, contaminated and refused are read from; once it has moved, begin with: "
        "set variable work_folder = 'its new place'; empty in a portable copy",
    ),
    "built_from": ("VARCHAR", "hash of the records that the catalog shows"),
    "portable": ("BOOLEAN", "whether it is a copy for other machines, whose documents are a sample held in the file"),
    "documents_held": ("BIGINT", "documents in a portable copy; null in the catalog of a work folder"),
    "documents_of": ("BIGINT", "documents of the pool that they were taken from; null where documents_held is"),
}

TABLES: dict[str, Table] = {**CORPUS, **SWARM, **RECOMMENDATIONS, **OUTCOMES}
# In the order in which they are made: a view comes after those that it reads.
VIEWS: dict[str, View] = {**RECOMMENDATION_VIEWS, **CORPUS_VIEWS, **SWARM_VIEWS, **OUTCOME_VIEWS}
MACROS: dict[str, Macro] = {**CORPUS_MACROS, **SWARM_MACROS, **RECOMMENDATION_MACROS}
