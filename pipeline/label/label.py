"""Labels every clean document: quality and topic, by models that never saw it.

Measured on one core, models loaded: quality 44,000 documents a second of encyclopedia leads (0.5 kB), 13,000 of web
pages (2.3 kB), 20 to 34 MB a second; topics a tenth less. Nearly all of it is fastText itself.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from classifiers.classifier import Classifier, load_classifier
from pipeline.label.names import OTHER
from pipeline.label.pretrained import GOOD
from pipeline.label.versions import QUALITY, TOPIC
from pipeline.read.sources import SourceSettings
from pipeline.store.documents import KEPT, read_rows, scan, write_parquet, write_rows
from pipeline.store.files import rank_name
from pipeline.store.funnel import DROPPED, FilterStep, Funnel

BATCH = 256  # documents scored in one call
LOW = "low quality"  # why a document is dropped

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("bytes", pa.int64()),
        ("topic", pa.string()),  # or what a field names as the domain; null where the source is not split
        ("topic_score", pa.float64()),
        ("quality", pa.float64()),  # null where it means nothing
    ]
)


class LabelDocuments(PipelineStep):
    """Rank r labels file r of the clean documents, and drops those of low quality: `labels/<rank>.parquet`."""

    type = "mixwright"
    name = "label"

    def __init__(
        self,
        cleaned: Path,
        models: Path,
        sources: dict[str, SourceSettings],
        min_score: float | None,
        folder: Path,
    ) -> None:
        super().__init__()
        self.cleaned, self.models = cleaned, models
        self.sources, self.min_score, self.folder = sources, min_score, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes labels, the funnel and a sample of the dropped; yields nothing."""
        name = f"{rank_name(rank)}.parquet"
        rows = read_rows(self.cleaned / "documents" / name)
        funnel = Funnel(self.name)
        dropped: list[tuple] = []
        kept = self._kept(self._labelled(rows), funnel, dropped)
        write_rows(kept, SCHEMA, self.folder / "labels" / name)
        funnel.write(self.folder, rank)
        frame = pl.DataFrame(dropped, schema=dict.fromkeys(DROPPED, pl.String), orient="row")
        write_parquet(frame, self.folder / "dropped" / self.name / name)
        return iter(())

    def _labelled(self, rows: Iterator[dict]) -> Iterator[dict]:
        while batch := list(islice(rows, BATCH)):
            for row in batch:
                row.update(topic=None, topic_score=None, quality=None)
            for kind, wanted in ((QUALITY, lambda s: s.quality), (TOPIC, lambda s: s.topics)):
                asked = [row for row in batch if wanted(self.sources[row["source"]])]
                if asked:
                    _score(kind, loaded_classifier(self.models / kind), asked)
            for row in batch:
                if self.sources[row["source"]].fields.domain:
                    row["topic"] = row["domain"] or OTHER
            yield from batch

    def _kept(self, rows: Iterator[dict], funnel: Funnel, dropped: list[tuple]) -> Iterator[dict]:
        for row in rows:
            low = self.min_score is not None and row["quality"] is not None and row["quality"] < self.min_score
            funnel.count(row["source"], LOW if low else KEPT, row["bytes"], 0 if low else row["bytes"])
            if not low:
                yield {field: row[field] for field in SCHEMA.names}
            elif len(dropped) < FilterStep.samples_a_reason:
                dropped.append((self.name, LOW, row["source"], row["id"], row["text"]))


@lru_cache(maxsize=2)
def loaded_classifier(folder: Path) -> Classifier:
    """The classifier of a finished stage, kept for the next rank that runs in this process."""
    return load_classifier(folder)


def _score(kind: str, classifier: Classifier, rows: list[dict]) -> None:
    scores = classifier.scores([row["text"] for row in rows], [row["hash"] for row in rows])  # (rows, labels)
    for row, values in zip(rows, scores, strict=True):
        if kind == QUALITY:
            row["quality"] = float(values[classifier.labels.index(GOOD)])
        else:
            row["topic"] = classifier.labels[int(values.argmax())]
            row["topic_score"] = float(values.max())


def labels(*folders: Path) -> pl.LazyFrame:
    """All labels of the stages."""
    return pl.concat([scan(folder, "labels").select(SCHEMA.names) for folder in folders])
