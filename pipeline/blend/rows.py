"""Rows about documents: of the index, which is in the pool's order, and of piles."""

from pathlib import Path

import numpy as np

from pipeline.store.files import rank_name

ROW = np.dtype(
    [
        ("id", "<u8"),  # the first 64 bits of the document's id
        ("rest", "<u4"),  # its other 32 bits
        ("row", "<u4"),  # in the rank's table
        ("tokens", "<u4"),
        ("bucket", "<u2"),  # its number among the blend's buckets
    ]
)
ITEM = np.dtype(
    [
        ("pile", "<u4"),
        ("place", "<u8"),  # in the blend
        ("offset", "<u8"),  # in the rank's file of piles
        ("size", "<u4"),  # bytes
        ("tokens", "<u4"),
        ("bucket", "<u2"),
        ("id", "<u8"),
        ("rest", "<u4"),
    ]
)
ID_DIGITS = 24  # hexadecimal ones, of a document's id


def read_index(folder: Path, rank: int) -> np.ndarray:
    """A rank's rows, (documents,), on the disk until they are looked at."""
    rows: np.ndarray = np.load(folder / f"{rank_name(rank)}.npy", mmap_mode="r")
    return rows


def id_text(rows: np.ndarray) -> list[str]:
    """Ids as the pool writes them, of rows with `id` and `rest`."""
    whole = np.empty(len(rows), dtype=[("id", ">u8"), ("rest", ">u4")])
    whole["id"], whole["rest"] = rows["id"], rows["rest"]
    text = whole.tobytes().hex()
    return [text[place : place + ID_DIGITS] for place in range(0, len(text), ID_DIGITS)]
