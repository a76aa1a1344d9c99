"""Step 3 of a blend, the first pass of its shuffle: every rank lays its documents out in piles.

Each copy of a document has a place, a hash of its id, the seed and the copy's number. The blend is all copies in the
order of their places, and a pile is a stretch of that order: which documents stand side by side depends neither on the
ranks nor on the workers. A second pass reads a pile whole, from all ranks, and sorts it (Sandelius 1962, Rao 1961:
a random pile for each element, then each pile in random order, is a uniform shuffle).

A rank's piles are one file, written in parts: a part holds what CHUNK bytes of documents give to each pile.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.blend.copies import Uses, order_of, place_of
from pipeline.blend.layout import Choice, read_about, read_choice
from pipeline.blend.payload import payloads_of
from pipeline.blend.piles import BEGINS, ITEMS, PILES
from pipeline.blend.rows import ITEM, read_index
from pipeline.store.files import rank_name
from pipeline.store.writing import written_aside

BUFFER = 1 << 20  # bytes written at once
CHUNK = 8 << 20  # bytes of documents in memory at once (assumed: enough for long writes, little beside a worker itself)


class Scatter(PipelineStep):
    """Rank r writes its piles, an item for each copy of a document, by pile, and where each pile's items begin."""

    type = "mixwright"
    name = "blend-scatter"

    def __init__(self, about: Path, choice: Path, index: Path, folder: Path) -> None:
        super().__init__()
        self.about, self.choice, self.index, self.folder = about, choice, index, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes the rank's piles; yields nothing."""
        choice, payloads = read_choice(self.choice), payloads_of(read_about(self.about))
        rows = np.array(read_index(self.index, rank))
        hashes = order_of(rows["id"], choice.order)
        before = Uses(choice.earlier).times(hashes, rows["bucket"])
        after = Uses(choice.uses).times(hashes, rows["bucket"])
        name = rank_name(rank)
        with written_aside(self.folder / f"{name}{PILES}") as aside, aside.open("wb", buffering=BUFFER) as out:
            parts = [np.empty(0, ITEM)]
            for chunk in _chunks(payloads.read(rank, rows, after > before)):
                parts.append(_laid_out(rows, before, after, choice, chunk, out))
            items = np.concatenate(parts)
        items = items[np.argsort(items["pile"], kind="stable")]
        begins = np.searchsorted(items["pile"], np.arange(len(choice.cut.edges) + 2))
        for ending, array in ((BEGINS, begins), (ITEMS, items)):
            with written_aside(self.folder / f"{name}{ending}") as aside, aside.open("wb") as listed:
                np.save(listed, array)
        return iter(())


def _laid_out(
    rows: np.ndarray, before: np.ndarray, after: np.ndarray, choice: Choice, chunk: "_Chunk", out: BinaryIO
) -> np.ndarray:
    """Append the copies of some documents to the file of piles, by pile; returns their items."""
    chosen = np.array(chunk.places)
    taken = (after - before)[chosen]
    which = np.repeat(np.arange(len(chosen)), taken)  # of each copy its document among the chosen
    first = np.repeat(np.cumsum(taken) - taken, taken)
    copies = before[chosen][which] + np.arange(len(which)) - first
    items = np.empty(len(which), ITEM)
    documents = rows[chosen[which]]
    for field in ("tokens", "bucket", "id", "rest"):
        items[field] = documents[field]
    for copy in np.unique(copies).tolist():
        own = copies == copy
        items["place"][own] = place_of(documents["id"][own], choice.seed, copy)
    edges = np.array(choice.cut.edges, dtype=np.uint64)
    items["pile"] = np.searchsorted(edges, items["place"], side="right")
    order = np.argsort(items["pile"], kind="stable")
    items, which = items[order], which[order]
    ends = np.array(chunk.ends, dtype=np.uint64)
    begins = np.concatenate([[np.uint64(0)], ends[:-1]])
    sizes = (ends - begins)[which]
    items["size"] = sizes
    items["offset"] = np.uint64(out.tell()) + np.cumsum(sizes, dtype=np.uint64) - sizes
    with memoryview(chunk.buffer) as content:
        for begin, end in zip(begins[which].tolist(), ends[which].tolist(), strict=True):
            out.write(content[begin:end])
    return items


class _Chunk:
    """Documents in memory, in one buffer: thousands of pieces of all sizes would leave the heap in holes that are never
    given back (measured: 10 × the pool took 900 MB in place of 200)."""

    def __init__(self, size: int) -> None:
        self.buffer = bytearray(size)
        self.places: list[int] = []
        self.ends: list[int] = []

    def takes(self, place: int, content: bytes) -> bool:
        """Add a document if there is room for it."""
        begin = self.ends[-1] if self.ends else 0
        end = begin + len(content)
        if end > len(self.buffer):
            return False
        self.buffer[begin:end] = content
        self.places.append(place)
        self.ends.append(end)
        return True

    def clear(self) -> None:
        """Forget all documents."""
        self.places.clear()
        self.ends.clear()


def _chunks(payloads: Iterator[tuple[int, bytes]]) -> Iterator[_Chunk]:
    """Documents, CHUNK bytes at a time, in one chunk that is filled again; a longer document is a chunk of its own."""
    chunk = _Chunk(CHUNK)
    for place, content in payloads:
        if chunk.takes(place, content):
            continue
        if chunk.places:
            yield chunk
            chunk.clear()
        if not chunk.takes(place, content):
            alone = _Chunk(len(content))
            alone.takes(place, content)
            yield alone
    if chunk.places:
        yield chunk
