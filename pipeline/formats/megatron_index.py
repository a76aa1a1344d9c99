"""The `.idx` that Megatron-LM reads beside a `.bin` of raw token ids (megatron/core/datasets/indexed_dataset.py).

Nine bytes of mark, version, the ids' type, the number of sequences and of documents + 1; then the length of each
sequence in tokens (int32), the byte at which it begins (int64), and the sequence at which each document begins
(int64), closed by the number of sequences. A document is one sequence here.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

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
    with written_aside(path) as aside, aside.open("wb") as file:
        for content in megatron_index(lengths, dtype):
            file.write(content)


def megatron_index(lengths: np.ndarray, dtype: np.dtype) -> Iterator[bytes]:
    """The content of an index, a part at a time; arguments as of `write_megatron_index`."""
    if dtype not in CODES:
        raise PipelineError(f"Megatron reads ids of 16 or 32 bits, not {dtype}")
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)[:-1]]) if len(lengths) else np.empty(0)
    yield MARK + struct.pack("<QBQQ", VERSION, CODES[dtype], len(lengths), len(lengths) + 1)
    for numbers, kind in ((lengths, "<i4"), (starts * dtype.itemsize, "<i8"), (np.arange(len(lengths) + 1), "<i8")):
        for start in range(0, len(numbers), BLOCK):
            yield numbers[start : start + BLOCK].astype(kind).tobytes()
