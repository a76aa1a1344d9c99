"""One pass over the filtered documents: what is to be removed goes, duplicates go, repeated passages are cut.

Rank r reads file r and writes file r, so that a removal list or another suite costs this pass and no new filtering.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.dedup.address import rows_of
from pipeline.dedup.trim import trim
from pipeline.filters.lists import read_list
from pipeline.filters.urls import hosts_of
from pipeline.store.documents import read_rows
from pipeline.store.files import rank_file
from pipeline.store.funnel import FilterStep


class ReadDocuments(PipelineStep):
    """Rank r reads `documents/<r>.parquet` of a stage; documents know their row."""

    type = "mixwright"
    name = "read_documents"

    def __init__(self, stage: Path, off: dict[str, frozenset[str]]) -> None:
        super().__init__()
        self.stage, self.off = stage, off

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield documents in the file's order."""
        for number, row in enumerate(read_rows(rank_file(self.stage / "documents", rank))):
            text, name = row.pop("text"), row.pop("id")
            row.update(attributes=json.loads(row["attributes"]), off=self.off.get(row["source"], frozenset()))
            yield Document(text=text, id=name, metadata={**row, "row": number})


class Remove(FilterStep):
    """Drops what the experiment's removal lists name: document ids, URLs, hosts."""

    name = "removals"

    def __init__(self, lists: list[Path], folder: Path) -> None:
        super().__init__(folder)
        self.wanted = frozenset(removal_entries(lists))

    def judge(self, document: Document) -> str | None:
        """What of the document is named: `id`, `url` or `host`."""
        if document.id in self.wanted:
            return "id"
        url = document.metadata["url"]
        if url and _plain(url) in self.wanted:
            return "url"
        return "host" if self.wanted.intersection(hosts_of(url)) else None


def removal_entries(lists: list[Path]) -> set[str]:
    """All entries of the lists, URLs without scheme and closing slash."""
    return {_plain(line) if "/" in line else line.lower() for path in lists for line in read_list(path, "removals")}


def _plain(url: str) -> str:
    return url.rpartition("://")[2].rstrip("/").lower() if url.count("://") <= 1 else url.lower()


class DropDuplicates(FilterStep):
    """Drops the documents that a round of deduplication found."""

    def __init__(self, name: str, reason: str, found: Path, folder: Path) -> None:
        super().__init__(folder)
        self.name, self.reason, self.found = name, reason, found
        self.rows: set[int] = set()

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """As FilterStep's, with the rows of this rank's file."""
        self.rows = rows_of([self.found], rank)
        yield from super().run(data, rank, world_size)

    def judge(self, document: Document) -> str | None:
        """The reason where the row was found."""
        return self.reason if document.metadata["row"] in self.rows else None


class TrimRepeats(FilterStep):
    """Cuts repeated passages; what has no text left is dropped."""

    name = "repeats"

    def __init__(self, found: Path, folder: Path) -> None:
        super().__init__(folder)
        self.found = found
        self.spans: dict[int, list[tuple[int, int]]] = {}

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """As FilterStep's, with the spans of this rank's file."""
        self.spans = {}
        rows = pl.read_parquet(rank_file(self.found, rank)).select("row", "start", "end")
        for row, start, end in rows.iter_rows():
            self.spans.setdefault(row, []).append((start, end))
        yield from super().run(data, rank, world_size)

    def judge(self, document: Document) -> str | None:
        """Sets the document's text."""
        spans = self.spans.get(document.metadata["row"])
        if spans:
            document.text = trim(document.text, spans)
        return None if document.text.strip() else "repeated elsewhere"
