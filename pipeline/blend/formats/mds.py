"""Shards of MosaicML's streaming library (MDS): one sample per document.

Sizes of samples are known before their contents are read, so a shard's offsets are too.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pipeline.blend.formats.kind import Shard, Written
from pipeline.blend.layout import About, Carried
from pipeline.blend.piles import Pile
from pipeline.formats.mds import INDEX, MOST_BYTES, mds_config, mds_entry, mds_head, mds_index

TEXT: tuple[str, int | None] = ("str", None)
NUMBER: tuple[str, int | None] = ("int32", 4)
COLUMNS = {"bucket": NUMBER, "domain": TEXT, "id": TEXT, "source": TEXT, "text": TEXT, "tokens": NUMBER}
CONFIG = mds_config(COLUMNS, MOST_BYTES)


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
            out.write(mds_head(CONFIG, np.concatenate(sizes)))
            while content := samples.read(1 << 20):
                out.write(content)
        body.unlink()
        return {"samples": int(sum(map(len, sizes)))}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """`index.json`, which lists the shards."""
        listed = [
            mds_entry(CONFIG, name, file["bytes"], shard.extra["samples"])
            for shard in shards
            for name, file in shard.files.items()
        ]
        return {INDEX: mds_index(listed)}
