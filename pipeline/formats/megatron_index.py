"""The `.idx` that Megatron-LM reads beside a `.bin` of raw token ids (megatron/core/datasets/indexed_dataset.py).

Nine bytes of mark, version, the ids' type, the number of sequences and of documents + 1; then the length of each
sequence in tokens (int32), the byte at which it begins (int64), and the sequence at which each document begins
(int64), closed by the number of sequences. A document is one sequence here.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pipeline.errors import PipelineError
from pipeline.store.writing import written_aside

MARK = b"MMIDIDX\x00\x00"
VERSION = 1
CODES = {np.dtype(np.uint16): 8, np.dtype(np.uint32): 4}  # 4 is int32: the same bytes for ids below MOST_IDS
MOST_IDS = 1 << 31  # ids that an int32 tells apart
BLOCK = 1 << 20  # numbers written at once


def write_megatron_index(path: Path, lengths: np.ndarray, dtype: np.dtype) -> None:
    """Write the index of a token file.

    lengths: (documents,) tokens of each document, in the file's order; dtype: of the ids.

    Raises:
        PipelineError: Megatron has no number for that type.
    """
    if dtype not in CODES:
        raise PipelineError(f"{path.name}: Megatron reads ids of 16 or 32 bits, not {dtype}")
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)[:-1]]) if len(lengths) else np.empty(0)
    with written_aside(path) as aside, aside.open("wb") as file:
        file.write(MARK + struct.pack("<QBQQ", VERSION, CODES[dtype], len(lengths), len(lengths) + 1))
        _write(file, lengths, "<i4")
        _write(file, starts * dtype.itemsize, "<i8")
        _write(file, np.arange(len(lengths) + 1), "<i8")


def _write(file: BinaryIO, numbers: np.ndarray, dtype: str) -> None:
    for start in range(0, len(numbers), BLOCK):
        file.write(numbers[start : start + BLOCK].astype(dtype).tobytes())
