"""Exact deduplication by content hash: of equal texts one stays, the newest, ties by id.

Hashes are dealt into partitions, one a rank, so that memory is bounded by a partition's ids; the number of
partitions is part of the stage's settings and never changes the outcome.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep
from pydantic import BaseModel, ConfigDict, Field

from pipeline.documents import scan
from pipeline.funnel import KEPT, Funnel, write_parquet


class DedupSettings(BaseModel):
    """The `dedup:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exact: bool = True
    """Whether documents with the same text are removed."""
    partitions: int = Field(4, ge=1, le=256)
    """Parts that the content hashes are dealt into."""


class ExactDedup(PipelineStep):
    """Rank r writes the ids that partition r of the hashes loses: `duplicates/<rank>.parquet`."""

    type = "mixwright"
    name = "exact_dedup"

    def __init__(self, filtered: Path, settings: DedupSettings, folder: Path) -> None:
        super().__init__()
        self.filtered, self.settings, self.folder = filtered, settings, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Reads no text: hashes, dates and ids are enough."""
        mine = (
            scan(self.filtered, "documents")
            .select("id", "source", "date", "hash", "bytes")
            .filter(pl.col("hash").str.slice(0, 2).str.to_integer(base=16) % world_size == rank)
            .collect(engine="streaming")
            .sort("hash", "date", "id", descending=[False, True, False])
            .with_columns(duplicate=pl.col("hash").is_first_distinct().not_() & self.settings.exact)
        )
        write_parquet(mine.filter("duplicate").select("id", "hash"), self.folder / "duplicates" / f"{rank:05d}.parquet")
        funnel = Funnel(self.name)
        counted = mine.group_by("source", "duplicate").agg(pl.len(), pl.col("bytes").sum())
        for source, duplicate, documents, size in counted.sort("source", "duplicate").iter_rows():
            reason = "exact duplicate" if duplicate else KEPT
            funnel.count(source, reason, size, 0 if duplicate else size, documents)
        funnel.write(self.folder, rank)
        return iter(())
