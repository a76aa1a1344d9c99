"""What a catalog knows of an experiment's corpus and costs, read at once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.catalog.query import query_catalog

if TYPE_CHECKING:
    import polars as pl

QUERIES = {
    "funnel": "select position, step, source, reason, documents, bytes_in, bytes_out from funnel order by all",
    "domains": "select domain, source, documents, bytes, tokens, available_tokens from domains order by tokens desc, 1",
    "buckets": "select domain, bucket, tokens, lowest_quality, highest_quality from buckets order by domain, bucket",
    "reliability": "select r.* from reliability r join models m using (classifier, version) where m.current "
    "order by classifier, calibrated, bin",
    "measures": "select c.classifier, c.measure, c.value from classifiers c join models m using (classifier, version) "
    "where m.current order by all",
    "runs": "select run, size, parameters, tokens, device, torch, seconds, status from runs order by run",
    "validations": "from validations order by validation, name",
    "lineage": "from lineage order by all",
}


@dataclass(frozen=True)
class CorpusTables:
    """One frame per name of QUERIES."""

    funnel: "pl.DataFrame"
    domains: "pl.DataFrame"
    buckets: "pl.DataFrame"
    reliability: "pl.DataFrame"
    measures: "pl.DataFrame"
    runs: "pl.DataFrame"
    validations: "pl.DataFrame"
    lineage: "pl.DataFrame"


def read_corpus_tables(catalog: Path, read: Callable[..., "pl.DataFrame"] = query_catalog) -> CorpusTables:
    """The tables of a catalog.

    Raises:
        ExperimentError: there is none, or it is of a newer schema.
    """
    return CorpusTables(**{name: read(catalog, query) for name, query in QUERIES.items()})
