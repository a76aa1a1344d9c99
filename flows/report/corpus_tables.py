"""What a catalog knows of an experiment's corpus and costs, read at once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
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

    @cached_property
    def kept(self) -> dict[str, tuple[int, int]]:
        """Source → bytes read, and bytes left after the last step; the largest source first."""
        read, left = (self._bytes(step, column) for step, column in (("min", "bytes_in"), ("max", "bytes_out")))
        return {
            name: (size, left.get(name, 0)) for name, size in sorted(read.items(), key=lambda pair: (-pair[1], pair[0]))
        }

    def _bytes(self, step: str, column: str) -> dict[str, int]:
        """Source → bytes of the first or the last step."""
        at = self.funnel.filter(self.funnel["position"] == getattr(self.funnel["position"], step)())
        return {str(name[0]): int(rows[column].sum()) for name, rows in at.group_by("source")}


def read_corpus_tables(catalog: Path, read: Callable[..., "pl.DataFrame"] = query_catalog) -> CorpusTables:
    """The tables of a catalog.

    Raises:
        ExperimentError: there is none, or it is of a newer schema.
    """
    return CorpusTables(**{name: read(catalog, query) for name, query in QUERIES.items()})
