"""Labels every document that deduplication left: quality and topic, by models that never saw it."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from classifiers.crossfit import CrossFit, load_crossfit
from pipeline.classify import GOOD
from pipeline.documents import read_rows, scan, write_rows
from pipeline.sources import SourceSettings

BATCH = 256  # documents scored in one call

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("bytes", pa.int64()),
        ("topic", pa.string()),  # null where the source is not split
        ("topic_score", pa.float64()),
        ("quality", pa.float64()),  # null where it means nothing
    ]
)


class LabelDocuments(PipelineStep):
    """Rank r labels file r of the filtered documents: `labels/<rank>.parquet`."""

    type = "mixwright"
    name = "label"

    def __init__(
        self,
        filtered: Path,
        deduplicated: Path,
        models: Path,
        folds: dict[str, int],
        sources: dict[str, SourceSettings],
        folder: Path,
    ) -> None:
        super().__init__()
        self.filtered, self.deduplicated, self.models = filtered, deduplicated, models
        self.folds, self.sources, self.folder = folds, sources, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes labels; yields nothing."""
        name = f"{rank:05d}.parquet"
        lost = set(scan(self.deduplicated, "duplicates").select("id").collect()["id"])
        rows = (row for row in read_rows(self.filtered / "documents" / name) if row["id"] not in lost)
        write_rows(self._labelled(rows), SCHEMA, self.folder / "labels" / name)
        return iter(())

    def _labelled(self, rows: Iterator[dict]) -> Iterator[dict]:
        models: dict[str, CrossFit] = {}
        while batch := list(islice(rows, BATCH)):
            for row in batch:
                row.update(topic=None, topic_score=None, quality=None)
            for kind, wanted in (("quality", lambda s: s.quality), ("topic", lambda s: s.topics)):
                asked = [row for row in batch if wanted(self.sources[row["source"]])]
                if asked:
                    if kind not in models:
                        models[kind] = load_crossfit(self.models / kind, self.folds[kind])
                    self._score(kind, models[kind], asked)
            yield from ({field: row[field] for field in SCHEMA.names} for row in batch)

    def _score(self, kind: str, model: CrossFit, rows: list[dict]) -> None:
        probability = model.probabilities([row["text"] for row in rows])  # (rows, labels)
        for row, values in zip(rows, probability, strict=True):
            if kind == "quality":
                row["quality"] = float(values[model.labels.index(GOOD)])
            else:
                row["topic"] = model.labels[int(values.argmax())]
                row["topic_score"] = float(values.max())


def labels(folder: Path) -> pl.LazyFrame:
    """All labels of the stage."""
    return scan(folder, "labels")
