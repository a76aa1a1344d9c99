"""Shards of MosaicML's streaming library (MDS): one sample per document.

A shard is the number of samples, the offset of each and of the end, the columns as JSON, and the samples. Their sizes
are known before their contents are read, so a shard is written in one go.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.blend.formats.kind import Shard, Written
from pipeline.blend.layout import About, Carried
from pipeline.blend.piles import Pile
from pipeline.errors import PipelineError

COLUMNS = {"bucket": "int32", "domain": "str", "id": "str", "source": "str", "text": "str", "tokens": "int32"}
SIZES = [4 if kind == "int32" else None for kind in COLUMNS.values()]
MOST = (1 << 32) - 1  # bytes, which offsets of 32 bits reach
HEAD = {
    "column_encodings": list(COLUMNS.values()), "column_names": list(COLUMNS), "column_sizes": SIZES,
    "compression": None, "format": "mds", "hashes": [], "size_limit": MOST, "version": 2,
}  # fmt: skip


class Mds:
    """`.mds` shards and their `index.json`."""

    name = "mds"
    carried: Carried = "sample"

    def write(self, shard: Shard, piles: Iterator[Pile]) -> dict[str, Any]:
        """`.mds`; the samples are gathered beside it first, since the offsets stand before them."""
        sizes = []
        body = shard.folder / f".{shard.stem}.body"
        with body.open("wb") as samples:
            for pile in shard.counted(piles):
                for run in shard.runs(pile.contents):
                    samples.write(run)
                sizes.append(pile.items["size"].astype(np.int64))
        with shard.create(f"{shard.stem}.mds") as out, body.open("rb") as samples:
            out.write(mds_head(np.concatenate(sizes)))
            while content := samples.read(1 << 20):
                out.write(content)
        body.unlink()
        return {"samples": int(sum(map(len, sizes)))}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """`index.json`, which lists the shards."""
        listed = [
            {
                **HEAD,
                "raw_data": {"basename": name, "bytes": file["bytes"], "hashes": {}},
                "samples": shard.extra["samples"],
                "zip_data": None,
            }
            for shard in shards
            for name, file in shard.files.items()
        ]
        return {"index.json": json.dumps({"shards": listed, "version": 2}, sort_keys=True).encode()}


def mds_head(sizes: np.ndarray) -> bytes:
    """What stands before samples of these sizes (n,) in bytes.

    Raises:
        PipelineError: they are too many for one shard.
    """
    columns = json.dumps(HEAD, sort_keys=True).encode()
    first = 4 + 4 * (len(sizes) + 1) + len(columns)
    offsets = first + np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    if offsets[-1] > MOST:
        raise PipelineError(
            f"mds: a shard would have {offsets[-1]:,} bytes, and MDS holds at most {MOST:,} — ask for smaller shards"
        )
    return np.uint32(len(sizes)).tobytes() + offsets.astype("<u4").tobytes() + columns
