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
    items = [_items_of(folder, rank, pile) for rank in range(ranks)]
    together = np.concatenate(items)
    sizes = together["size"].astype(np.int64)
    ends = np.cumsum(sizes)
    buffer = memoryview(bytearray(int(sizes.sum())))  # one piece: thousands of small ones would tear the heap
    place = 0
    for rank, own in enumerate(items):
        if len(own):
            place = _read_runs(folder / f"{rank_name(rank)}{PILES}", own, buffer, place)
    order = np.lexsort((together["rest"], together["id"], together["place"]))
    pairs = zip((ends - sizes)[order].tolist(), ends[order].tolist(), strict=True)
    return Pile(together[order], [buffer[begin:end] for begin, end in pairs])


def _items_of(folder: Path, rank: int, pile: int) -> np.ndarray:
    """What a rank has for the pile, in the order of its file."""
    begin, end = np.load(folder / f"{rank_name(rank)}{BEGINS}", mmap_mode="r")[pile : pile + 2]
    if begin == end:
        return np.empty(0, ITEM)
    return np.array(np.load(folder / f"{rank_name(rank)}{ITEMS}", mmap_mode="r")[begin:end])


def _read_runs(file: Path, items: np.ndarray, buffer: memoryview, place: int) -> int:
    """Read the contents of items, which lie in few runs, one after another into the buffer from `place` on; returns
    where they end."""
    ends = items["offset"] + items["size"]
    breaks = np.flatnonzero(items["offset"][1:] != ends[:-1]) + 1
    with file.open("rb", buffering=0) as source:
        for run in np.split(items, breaks):
            source.seek(int(run["offset"][0]))
            size = int(run["size"].sum(dtype=np.int64))
            _read_exactly(source, buffer[place : place + size])
            place += size
    return place


def _read_exactly(source: FileIO, room: memoryview) -> None:
    done = 0
    while done < len(room):
        count = source.readinto(room[done:])
        if not count:
            raise EOFError(f"{source.name}: ends {len(room) - done} bytes early")
        done += count
