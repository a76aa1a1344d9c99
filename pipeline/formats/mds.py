"""Shards of MosaicML's streaming format, MDS (streaming/base/format/mds): samples of named columns.

A shard is the number of samples and the byte at which each begins (uint32, one more for the end), the columns as JSON,
and the samples. A sample is the sizes of its columns of variable size (uint32), then the columns, sorted by name.
`index.json` lists the shards.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import PipelineError
from pipeline.store.writing import write_aside

MOST_BYTES = (1 << 32) - 1  # which offsets of 32 bits reach
SHARD_BYTES = 1 << 26  # the library's own default
INDEX = "index.json"


def mds_config(columns: Mapping[str, tuple[str, int | None]], most: int) -> dict[str, Any]:
    """What a shard and `index.json` say of a shard's columns; arguments as of `MdsWriter`."""
    names = sorted(columns)
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": [],
        "size_limit": most,
        "column_names": names,
        "column_encodings": [columns[name][0] for name in names],
        "column_sizes": [columns[name][1] for name in names],
    }


def mds_head(config: Mapping[str, Any], sizes: np.ndarray) -> bytes:
    """What stands before samples of these sizes (n,), bytes.

    Raises:
        PipelineError: they are too many for one shard.
    """
    columns = json.dumps(config, sort_keys=True).encode()
    offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]) + 4 + 4 * (len(sizes) + 1) + len(columns)
    if offsets[-1] > MOST_BYTES:
        raise PipelineError(
            f"mds: a shard would have {offsets[-1]:,} bytes, and MDS holds at most {MOST_BYTES:,} — ask for smaller "
            "shards"
        )
    return np.uint32(len(sizes)).tobytes() + offsets.astype("<u4").tobytes() + columns


def mds_entry(config: Mapping[str, Any], name: str, size: int, samples: int) -> dict[str, Any]:
    """What `index.json` says of a shard of `size` bytes."""
    raw = {"basename": name, "bytes": size, "hashes": {}}
    return {**config, "raw_data": raw, "zip_data": None, "samples": samples}


class MdsWriter:
    """Writes samples into `FOLDER/shard.PREFIX.NUMBER.mds`, each shard whole or not there; keeps one in memory."""

    def __init__(
        self, folder: Path, columns: Mapping[str, tuple[str, int | None]], prefix: str, most: int = SHARD_BYTES
    ) -> None:
        """columns: name → encoding, and its bytes where they are the same for every sample; most: bytes of a shard."""
        self.folder, self.prefix, self.most = folder, prefix, most
        self.config = mds_config(columns, most)
        self.samples: list[bytes] = []
        self.size = self._empty
        self.shards: list[dict[str, Any]] = []

    @property
    def _empty(self) -> int:
        return len(mds_head(self.config, np.empty(0)))

    def add(self, values: Mapping[str, bytes]) -> None:
        """Add a sample: the bytes of its columns, as their encodings have them."""
        columns = zip(self.config["column_names"], self.config["column_sizes"], strict=True)
        content = [(values[name], size) for name, size in columns]
        sizes = np.array([len(value) for value, size in content if size is None], dtype="<u4").tobytes()
        sample = sizes + b"".join(value for value, _ in content)
        if self.samples and self.size + len(sample) + 4 > self.most:
            self._end_shard()
        self.samples.append(sample)
        self.size += len(sample) + 4

    def _end_shard(self) -> None:
        name = f"shard.{self.prefix}.{len(self.shards):05d}.mds"
        content = mds_head(self.config, np.array([len(sample) for sample in self.samples])) + b"".join(self.samples)
        write_aside(self.folder / name, content)
        self.shards.append(mds_entry(self.config, name, len(content), len(self.samples)))
        self.samples, self.size = [], self._empty

    def close(self) -> list[dict[str, Any]]:
        """Write the last shard; returns what `index.json` says of each."""
        if self.samples:
            self._end_shard()
        return self.shards


def mds_index(shards: Iterable[dict[str, Any]]) -> bytes:
    """The content of `index.json`."""
    return json.dumps({"version": 2, "shards": list(shards)}, sort_keys=True).encode()
