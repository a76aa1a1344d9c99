"""Removes repeated substrings over the whole corpus: of equal windows of L bytes, all but the first go.

Documents are ordered newest first (by date as text, those without one last; ties by id), places in a document by
offset. A window is repeated if an equal one stands at an earlier place; the bytes of all repeated windows are
removed. So every removed byte stood in a window with an earlier equal copy, and the first copy always stays. This
is what a suffix array over the whole corpus finds. OLMo 3 makes one for each part of its corpus, and misses what
repeats between parts; here windows are matched by fingerprints (windows.py) dealt by hash, so a part
holds what may be equal, wherever it stands, and the number of parts changes nothing in the outcome.

    Fingerprints  one rank per file       its text end to end, and records of its windows, sorted by hash
    Repeats       one rank per partition  takes a range of hashes from all files; spans of repeated windows
    Spans         one rank per file       spans of all partitions merged, short gaps closed, whole characters

On the way it needs disk for the text once more, and an eighth of it for records.
"""

import shutil
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.dedup.address import Run
from pipeline.dedup.fingerprints import ADDRESS, Fingerprints, Texts, whole_folder
from pipeline.dedup.settings import RepeatSettings
from pipeline.dedup.windows import RECORD, equal_items, join_spans, repeated_ranges, weighted_sums, weights
from pipeline.store.documents import write_parquet
from pipeline.store.files import rank_file, rank_name

SLICE = 1 << 20  # records read at a time, on average: a range of hashes, whatever the number of partitions
BATCH = 1 << 11  # records whose sums are held at a time, some 14 kB each

NO_SPANS = np.empty((0, 2), np.int64)  # start and end, exclusive
SCHEMA = {"file": pl.Int32, "row": pl.Int64, "start": pl.Int64, "end": pl.Int64}  # bytes of the document's text


def find_repeats(
    documents: Path, lost: Sequence[Path], settings: RepeatSettings, partitions: int, folder: Path, run: Run
) -> None:
    """Write `folder/repeats/<file>.parquet`: what to remove of each document, sorted and disjoint.

    Args:
        documents: a stage with `documents/<file>.parquet`.
        lost: folders of Parquet files whose columns `file` and `row` name documents that are removed already.
        settings: what counts as a repeat.
        partitions: ranges of hashes, a rank each; any number gives the same spans.
        folder: where spans go, and what is needed on the way; a killed call goes on where it was.
        run: runs steps over ranks under a name, and skips ranks that are done under it.
    """
    files = len(list((documents / "documents").glob("*.parquet")))
    if not settings.enabled:
        for file in range(files):
            write_parquet(pl.DataFrame(schema=SCHEMA), _spans_file(folder, file))
        return
    work = folder / "work"
    run("fingerprints", [Fingerprints(documents, lost, settings.min_bytes, work)], files)
    spans = work / f"spans-{partitions}"
    run(f"repeats-{partitions}", [Repeats(settings.min_bytes, work, spans)], partitions)
    run("spans", [Spans(settings.max_gap, work, spans, folder)], files)
    shutil.rmtree(work, ignore_errors=True)


class Repeats(PipelineStep):
    """Rank r of n writes spans of the repeated windows whose gram's hash lies in the r-th of n equal ranges."""

    type = "mixwright"
    name = "repeats"

    def __init__(self, length: int, work: Path, found: Path) -> None:
        super().__init__()
        self.length, self.work, self.found = length, work, found

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Holds a slice of the records; or, if that is more, those with the most frequent hash."""
        texts = Texts(self.work)
        table = weights(texts.key(), self.length)
        low, high = ((end << 64) // world_size for end in (rank, rank + 1))
        slices = 1 + sum(map(len, texts.records(low, high))) // SLICE
        bounds = [low + (high - low) * number // slices for number in range(slices + 1)]
        with whole_folder(self.found / rank_name(rank)) as folder:
            for number, (start, end) in enumerate(pairwise(bounds)):
                records = _repeated_records(texts, start, end)
                spans = [self._spans(texts, records[batch], table) for batch in _batches(records["hash"])]
                np.save(folder / f"{rank_name(number)}.npy", join_spans(np.concatenate([NO_SPANS, *spans])))
        return iter(())

    def _spans(self, texts: Texts, records: np.ndarray, table: np.ndarray) -> np.ndarray:
        """(m, 2) addresses of the bytes of repeated windows."""
        near, far = records["near"].astype(np.int64), records["far"].astype(np.int64)
        sums = _Sums(texts, records["place"], table)
        if len(records) <= BATCH:
            sums.hold(-far, self.length - near)
        record, near, far = repeated_ranges(records["hash"], near, far, self.length, sums)
        place = records["place"][record]
        return join_spans(np.stack([place - far, place - near + self.length], axis=1))


def _repeated_records(texts: Texts, low: int, high: int) -> np.ndarray:
    """Records whose hash occurs more than once, sorted by it, then by the order of the corpus."""
    records = np.concatenate([np.empty(0, RECORD), *texts.records(low, high)])
    records = records[equal_items(records["hash"])[0]]
    return records[np.lexsort((records["place"], texts.order(records["place"]), records["hash"]))]


def _batches(hashes: np.ndarray) -> Iterator[slice]:
    """Consecutive whole groups of equal hashes, at most BATCH records together, or one larger group."""
    ends = np.append(np.flatnonzero(np.diff(hashes)) + 1, len(hashes))
    start = group = 0
    while start < len(hashes):
        group = max(group + 1, int(np.searchsorted(ends, start + BATCH, side="right")))
        yield slice(start, int(ends[group - 1]))
        start = int(ends[group - 1])


class _Sums:
    """Weighted sums of the bytes around grams, read anew for each call, a batch at a time, unless they are held."""

    def __init__(self, texts: Texts, address: np.ndarray, table: np.ndarray) -> None:
        self.texts, self.address, self.table = texts, address, table
        self.held: tuple[np.ndarray, np.ndarray] | None = None

    def hold(self, first: np.ndarray, last: np.ndarray) -> None:
        """Keep what answers for any bytes from `first` to `last` (exclusive) of every record."""
        self.held = self._prefixes(self.address, first, last)

    def __call__(self, record: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """(2, n) sums over bytes `first` to `last` (exclusive) of records, counted from the gram."""
        if self.held:
            sums, gram = self.held
            return sums[:, gram[record] + last] - sums[:, gram[record] + first]
        parts = [np.empty((2, 0), np.uint64)]
        for start in range(0, len(record), BATCH):
            part = slice(start, start + BATCH)
            sums, gram = self._prefixes(self.address[record[part]], first[part], last[part])
            parts.append(sums[:, gram + last[part]] - sums[:, gram + first[part]])
        return np.concatenate(parts, axis=1)

    def _prefixes(self, address: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sums over prefixes of the bytes around each gram, end to end, and where in them the grams are."""
        sizes = last - first
        content = self.texts.read(address + first, sizes)
        return weighted_sums(content, sizes, first, self.table), np.cumsum(sizes) - last


class Spans(PipelineStep):
    """Rank r writes what to remove of the documents of file r."""

    type = "mixwright"
    name = "spans"

    def __init__(self, max_gap: int, work: Path, found: Path, folder: Path) -> None:
        super().__init__()
        self.max_gap, self.work, self.found, self.folder = max_gap, work, found, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Holds one file's spans and list of documents."""
        spans = join_spans(np.concatenate([NO_SPANS, *self._found(rank)]))
        text = Texts(self.work).folders[rank]
        starts, documents = np.load(text / "starts.npy"), np.load(text / "documents.npy")
        document = np.searchsorted(starts, spans[:, 0], side="right") - 1
        spans, document = _closed(spans, document, self.max_gap)
        if len(spans):
            spans = _shrunk(spans, np.memmap(text / "text.bin", np.uint8, "r"))
        start, end = spans.T - starts[document]
        columns = {"file": np.full(len(spans), rank), "row": documents["row"][document], "start": start, "end": end}
        write_parquet(pl.DataFrame(columns, schema=SCHEMA), _spans_file(self.folder, rank))
        return iter(())

    def _found(self, file: int) -> Iterator[np.ndarray]:
        """Spans of one file, by place, from all that found some."""
        yield np.load(self.work / "texts" / rank_name(file) / "spans.npy")
        for path in sorted(self.found.glob("[0-9]*/*.npy")):
            spans = np.load(path, mmap_mode="r").view(np.ndarray)
            first, last = (bisect_left(spans[:, 0], number << ADDRESS) for number in (file, file + 1))
            yield spans[first:last] - (file << ADDRESS)


def _closed(spans: np.ndarray, document: np.ndarray, max_gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Spans, joined where less than `max_gap` bytes of one document lie between two, and their documents."""
    apart = (np.diff(document) != 0) | (spans[1:, 0] - spans[:-1, 1] >= max_gap)
    first, last = (np.insert(apart, place, True)[: len(spans)] for place in (0, len(apart)))
    return np.stack([spans[first, 0], spans[last, 1]], axis=1), document[first]


def _shrunk(spans: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Spans without the parts of characters at their edges."""
    start, end = spans.T.copy()
    for _ in range(3):  # a character's bytes after its first
        start += text[start] & 0xC0 == 0x80
        end -= text[end] & 0xC0 == 0x80
    return np.stack([start, end], axis=1)


def _spans_file(folder: Path, file: int) -> Path:
    return rank_file(folder / "repeats", file)
