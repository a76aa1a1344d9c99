"""Equal texts: of those with one content hash the newest stays, ties by id."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.dedup.address import addressed
from pipeline.store.documents import write_parquet
from pipeline.store.files import rank_file


class FindEqual(PipelineStep):
    """Rank r writes what partition r of the content hashes loses: `exact/<rank>.parquet`."""

    type = "mixwright"
    name = "find_equal"

    def __init__(self, filtered: Path, off: Sequence[str], folder: Path) -> None:
        super().__init__()
        self.filtered, self.off, self.folder = filtered, list(off), folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Reads no text: hashes, dates and ids are enough."""
        partition = (
            addressed(self.filtered)
            .filter(~pl.col("source").is_in(self.off))
            .filter(pl.col("hash").str.slice(0, 4).str.to_integer(base=16) % world_size == rank)
            .select("file", "row", "id", "date", "hash")
            .collect(engine="streaming")
            .sort("hash", "date", "id", descending=[False, True, False])
            .with_columns(kept=pl.col("id").first().over("hash"))
        )
        lost = partition.filter(~pl.col("hash").is_first_distinct()).select("file", "row", "id", "kept")
        write_parquet(lost.sort("file", "row"), rank_file(self.folder / "exact", rank))
        return iter(())
