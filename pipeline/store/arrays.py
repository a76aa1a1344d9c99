"""Arrays by name in one file, written whole and read without trust: numbers and texts, never objects."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_arrays(file: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays (numpy's .npz) and see them on the disk."""
    with file.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays)
        out.flush()
        os.fsync(out.fileno())


def read_arrays(file: Path) -> dict[str, np.ndarray]:
    """Named arrays.

    Raises:
        OSError, EOFError, ValueError, zipfile.BadZipFile: the file is not there, cut, or holds objects.
    """
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
