"""What every step took in, kept and dropped, and why: nothing is lost without a row.

A step's rank writes one small Parquet file when it ends. Within a step and source, documents and bytes in
are the sums over all its rows, since each document leaves by exactly one reason.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.store.documents import KEPT, write_parquet
from pipeline.store.files import rank_file

FUNNEL_SCHEMA = {
    "step": pl.String,
    "source": pl.String,
    "reason": pl.String,  # "kept", or why it was dropped or refused
    "documents": pl.Int64,
    "bytes_in": pl.Int64,  # before the step
    "bytes_out": pl.Int64,  # after it; 0 where dropped
}
DROPPED = ("step", "reason", "source", "id", "text")  # columns of the samples of dropped documents


class Funnel:
    """Counts of one step on one rank."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.counts: dict[tuple[str, str], list[int]] = {}

    def count(self, source: str, reason: str, bytes_in: int, bytes_out: int, documents: int = 1) -> None:
        """One document (or several) left the step by `reason`."""
        row = self.counts.setdefault((source, reason), [0, 0, 0])
        row[0] += documents
        row[1] += bytes_in
        row[2] += bytes_out

    def write(self, folder: Path, rank: int) -> None:
        """`folder/funnel/<step>/<rank>.parquet`."""
        rows = [(self.step, source, reason, *row) for (source, reason), row in sorted(self.counts.items())]
        frame = pl.DataFrame(rows, schema=FUNNEL_SCHEMA, orient="row")
        write_parquet(frame, rank_file(folder / "funnel" / self.step, rank))


def size(document: Document) -> int:
    """Bytes that a document counts for: its raw page where it is not yet text, what its tokens stand for where it
    comes as tokens, else its UTF-8 text."""
    raw = document.metadata.get("raw")
    if raw is not None:
        return len(raw)
    return document.metadata.get("token_bytes") or text_bytes(document.text)


def text_bytes(text: str) -> int:
    """Length in UTF-8, without encoding where that is not needed."""
    return len(text) if text.isascii() else len(text.encode())


class FilterStep(PipelineStep):
    """A datatrove step that keeps or drops one document at a time, counting both and keeping some dropped ones.

    A document passes untouched through a step that its source has switched off (`metadata["off"]`).
    """

    type = "mixwright"
    samples_a_reason = 200  # dropped documents kept for the eye, a rank and reason

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def judge(self, document: Document) -> str | None:
        """A reason to drop the document, or None; may change it."""
        raise NotImplementedError

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield what is kept; write the funnel and a sample of the dropped when the data ends."""
        funnel = Funnel(self.name)
        dropped: dict[str, list[tuple[str, str, str, str, str]]] = {}
        for document in data:
            before, text = size(document), document.text
            source = document.metadata["source"]
            reason = None if self.name in document.metadata.get("off", ()) else self.judge(document)
            funnel.count(source, reason or KEPT, before, 0 if reason else size(document))
            if reason is None:
                yield document
            elif len(sample := dropped.setdefault(reason, [])) < self.samples_a_reason:
                sample.append((self.name, reason, source, document.id, document.text or text))
        funnel.write(self.folder, rank)
        rows = [row for _, sample in sorted(dropped.items()) for row in sample]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(DROPPED, pl.String), orient="row")
        write_parquet(frame, rank_file(self.folder / "dropped" / self.name, rank))
