"""What datatrove's tokenizer writes beside a `.ds` of raw token ids, which nanotron reads.

`.ds.index`: where each document ends, in tokens from the file's beginning (uint64). `.ds.metadata`: the tokenizer and
the bytes of an id, separated by a bar; the number of tokens; the same number for people.
"""

from pathlib import Path

import numpy as np

from pipeline.store.writing import write_aside


def write_datatrove_index(file: Path, lengths: np.ndarray, tokenizer: str, id_bytes: int) -> None:
    """Write both files beside `file`, which ends in `.ds`.

    lengths: (documents,) tokens of each document, in the file's order; tokenizer: a folder or name that
    transformers' AutoTokenizer loads.
    """
    write_aside(file.with_name(f"{file.name}.index"), datatrove_index(lengths))
    metadata = datatrove_metadata(tokenizer, id_bytes, int(lengths.sum()))
    write_aside(file.with_name(f"{file.name}.metadata"), metadata)


def datatrove_index(lengths: np.ndarray) -> bytes:
    """The content of `.ds.index`."""
    return np.cumsum(lengths, dtype=np.uint64).astype("<u8").tobytes()


def datatrove_metadata(tokenizer: str, id_bytes: int, tokens: int) -> bytes:
    """The content of `.ds.metadata`."""
    return f"{tokenizer}|{id_bytes}\n{tokens}\n{tokens:,} T".encode()
