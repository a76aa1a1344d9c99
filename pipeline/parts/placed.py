"""A pool's parts: what a trainer draws from with one weight, a domain or one quality bucket of it.

Steps take a part as the folder that its documents go to, by domain, bucket and split.
"""

import json
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mixes.quality_parts import whole_of
from pipeline.errors import PipelineError
from pipeline.store.documents import read_groups
from pipeline.store.files import rank_file, rank_name

Key = tuple[str, int, str]  # domain, bucket, split
Placed = Mapping[Key, str]  # → folder of the part; documents that it does not name are left out
GROUPS = 10  # row groups read at once


def as_tokenised(placed: Placed) -> dict[Key, str]:
    """The same by the domains of documents and token files, which know no parts by quality."""
    return {(whole_of(domain), bucket, split): folder for (domain, bucket, split), folder in placed.items()}


def pool_ranks(tokenised: Path) -> int:
    """Ranks that wrote the pool: a step over parts has as many."""
    return len(list((tokenised / "pool").glob("*.parquet")))


def rank_files(tokenised: Path, rank: int, placed: Placed) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Token files of one rank that are in a part: path, folder of the part, and what the rank lists of the file."""
    folder = tokenised / "tokens" / rank_name(rank)
    for listed in json.loads((folder / "files.json").read_bytes()):
        part = placed.get((listed["domain"], listed["bucket"], listed["split"]))
        if part is not None and listed["tokens"]:
            yield folder / listed["file"], part, listed


def document_lengths(tokenised: Path, rank: int, placed: Placed) -> dict[Key, np.ndarray]:
    """(documents,) tokens of each document of a rank's token files, in the files' order.

    Memory: four bytes per document of the rank.
    """
    lengths: dict[Key, array] = {}
    names = ("domain", "bucket", "split", "tokens")
    for table in read_groups(rank_file(tokenised / "pool", rank), names, GROUPS):
        for domain, bucket, split, tokens in zip(*(table[name].to_pylist() for name in names), strict=True):
            if (key := (domain, bucket, split)) in placed:
                lengths.setdefault(key, array("i")).append(tokens)
    return {key: np.frombuffer(counts, dtype=np.int32) for key, counts in lengths.items()}


def checked_lengths(lengths: Mapping[Key, np.ndarray], path: Path, listed: dict[str, Any], id_bytes: int) -> np.ndarray:
    """Lengths of a file's documents, which fill the file.

    Raises:
        PipelineError: they do not.
    """
    counts = lengths.get((listed["domain"], listed["bucket"], listed["split"]), np.empty(0, np.int32))
    tokens, size = int(counts.sum(dtype=np.int64)), path.stat().st_size
    if tokens * id_bytes != size:
        raise PipelineError(
            f"pool: {path}: holds {size // id_bytes:,} tokens, its documents have {tokens:,} — the pool is damaged: "
            "delete its stage, and `mixwright prepare` makes it anew"
        )
    return counts
