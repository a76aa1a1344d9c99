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

CHUNK = 32 << 20  # bytes of documents in memory at once (assumed: enough for long writes, little beside a worker's own)


class Scatter(PipelineStep):
    """Rank r writes its piles, an item for each copy of a document, by pile, and where each pile's items begin."""

    type = "mixwright"
    name = "scatter into piles"

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
        with written_aside(self.folder / f"{name}{PILES}") as aside, aside.open("wb") as out:
            parts = [np.empty(0, ITEM)]
            for chosen, contents in _chunks(payloads.read(rank, rows, after > before), after - before):
                parts.append(_laid_out(rows, before, after, choice, np.array(chosen), contents, out))
            items = np.concatenate(parts)
        items = items[np.argsort(items["pile"], kind="stable")]
        begins = np.searchsorted(items["pile"], np.arange(len(choice.cut.edges) + 2))
        for ending, array in ((BEGINS, begins), (ITEMS, items)):
            with written_aside(self.folder / f"{name}{ending}") as aside, aside.open("wb") as listed:
                np.save(listed, array)
        return iter(())


def _laid_out(
    rows: np.ndarray, before: np.ndarray, after: np.ndarray, choice: Choice, chosen: np.ndarray,
    contents: list[bytes], out: BinaryIO,
) -> np.ndarray:  # fmt: skip
    """Append the copies of some documents to the file of piles, by pile; returns their items."""
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
    sizes = np.array([len(content) for content in contents], dtype=np.uint64)[which]
    items["size"] = sizes
    items["offset"] = np.uint64(out.tell()) + np.cumsum(sizes, dtype=np.uint64) - sizes
    out.write(b"".join([contents[number] for number in which.tolist()]))
    return items


def _chunks(payloads: Iterator[tuple[int, bytes]], copies: np.ndarray) -> Iterator[tuple[list[int], list[bytes]]]:
    """Documents, at most CHUNK bytes of copies at a time; copies: (n,) of each document of the rank."""
    chosen: list[int] = []
    contents: list[bytes] = []
    size, times = 0, copies.tolist()
    for place, content in payloads:
        more = len(content) * times[place]
        if chosen and size + more > CHUNK:
            yield chosen, contents
            chosen, contents, size = [], [], 0
        chosen.append(place)
        contents.append(content)
        size += more
    if chosen:
        yield chosen, contents
