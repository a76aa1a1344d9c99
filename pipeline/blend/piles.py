"""Reads piles: what the ranks of the first pass laid out for one stretch of the blend."""

from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from pipeline.blend.rows import ITEM
from pipeline.store.files import rank_name

PILES, ITEMS, BEGINS = ".piles", ".items.npy", ".begins.npy"  # endings of a rank's files


@dataclass(frozen=True)
class Pile:
    """A stretch of the blend, in its order."""

    items: np.ndarray  # (n,) ITEM
    contents: list[memoryview]  # (n,)


def read_pile(folder: Path, ranks: int, pile: int) -> Pile:
    """A pile from all ranks, sorted."""
    items: list[np.ndarray] = [np.empty(0, ITEM)]
    contents: list[memoryview] = []
    for rank in range(ranks):
        name = rank_name(rank)
        begin, end = np.load(folder / f"{name}{BEGINS}", mmap_mode="r")[pile : pile + 2]
        if begin < end:
            items.append(np.array(np.load(folder / f"{name}{ITEMS}", mmap_mode="r")[begin:end]))
            contents += _read_runs(folder / f"{name}{PILES}", items[-1])
    together = np.concatenate(items)
    order = np.lexsort((together["rest"], together["id"], together["place"]))
    return Pile(together[order], [contents[place] for place in order.tolist()])


def _read_runs(file: Path, items: np.ndarray) -> list[memoryview]:
    """Contents of items, whose bytes lie in few runs, one after another."""
    ends = items["offset"] + items["size"]
    breaks = np.flatnonzero(items["offset"][1:] != ends[:-1]) + 1
    contents: list[memoryview] = []
    with file.open("rb", buffering=0) as source:
        for run in np.split(items, breaks):
            first = int(run["offset"][0])
            source.seek(first)
            content = memoryview(_read_exactly(source, int(run["offset"][-1]) + int(run["size"][-1]) - first))
            begins = (run["offset"] - run["offset"][0]).tolist()
            contents += [content[a : a + size] for a, size in zip(begins, run["size"].tolist(), strict=True)]
    return contents


def _read_exactly(source: FileIO, size: int) -> bytes:
    content = source.read(size) or b""
    while len(content) < size:
        more = source.read(size - len(content))
        if not more:
            raise EOFError(f"{source.name}: ends {size - len(content)} bytes early")
        content += more
    return content
