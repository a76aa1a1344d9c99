"""Shards of token ids: the documents' ids one after another, each document with its ending token.

The file is the same for three trainers, which want other files beside it. `documents/` says which document is where.
"""

import gzip
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.blend.formats.kind import Shard, Written
from pipeline.blend.layout import About, Carried
from pipeline.blend.piles import Pile
from pipeline.blend.rows import id_text
from pipeline.formats.datatrove_index import datatrove_index, datatrove_metadata
from pipeline.formats.megatron_index import megatron_index

DOCUMENTS = "documents"
SCHEMA = pa.schema([("id", pa.string()), ("domain", pa.string()), ("bucket", pa.int32()), ("tokens", pa.int64())])


def write_ids(shard: Shard, piles: Iterator[Pile], ending: str) -> np.ndarray:
    """Write `part-nnnnn<ending>` and `documents/part-nnnnn.parquet`; returns the documents, (n,), as items."""
    items = []
    listed = shard.create(f"{DOCUMENTS}/{shard.stem}.parquet")
    domains = pa.array([bucket.place[0] for bucket in shard.about.buckets])
    numbers = np.array([bucket.number for bucket in shard.about.buckets], dtype=np.int32)
    with shard.create(f"{shard.stem}{ending}") as out, listed, pq.ParquetWriter(listed, SCHEMA) as table:
        for pile in shard.counted(piles):
            for run in shard.runs(pile.contents):
                out.write(run)
            bucket = pile.items["bucket"]
            columns = [
                id_text(pile.items),
                domains.take(pa.array(bucket)),
                numbers[bucket],
                pile.items["tokens"].astype(np.int64),
            ]
            table.write_table(pa.table(columns, schema=SCHEMA))
            items.append(pile.items)
    return np.concatenate(items)


class OlmoCore:
    """Raw ids without a header, as OLMo-core reads `.npy`, and Dolma's metadata: start, end, id, domain, bucket."""

    name = "olmo-core"
    carried: Carried = "ids"

    def write(self, shard: Shard, piles: Iterator[Pile]) -> dict[str, Any]:
        """`.npy` and `.csv.gz`."""
        items = write_ids(shard, piles, ".npy")
        ends = np.cumsum(items["tokens"], dtype=np.int64)
        starts, buckets = ends - items["tokens"], shard.about.buckets
        places = [f"{buckets[number].place[0]},{buckets[number].number}" for number in range(len(buckets))]
        rows = zip(starts.tolist(), ends.tolist(), id_text(items), items["bucket"].tolist(), strict=True)
        text = "".join(f"{start},{end},{name},{places[number]}\n" for start, end, name, number in rows)
        with shard.create(f"{shard.stem}.csv.gz") as out:
            out.write(gzip.compress(text.encode(), 1, mtime=0))
        return {}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """Nothing: a trainer takes the folder's `*.npy`."""
        return {}


class Megatron:
    """`.bin` and `.idx`, as megatron.core.datasets.IndexedDataset reads them; one sequence per document."""

    name = "megatron"
    carried: Carried = "ids"

    def write(self, shard: Shard, piles: Iterator[Pile]) -> dict[str, Any]:
        """`.bin` and `.idx`."""
        items = write_ids(shard, piles, ".bin")
        with shard.create(f"{shard.stem}.idx") as out:
            for content in megatron_index(items["tokens"], np.dtype(f"u{shard.about.width}")):
                out.write(content)
        return {}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """`data-args.txt`, for --data-args-path: every shard once. Megatron's weights count tokens."""
        total = sum(sum(shard.tokens) for shard in shards)
        lines = []
        for shard in shards:
            name = next(name for name in shard.files if name.endswith(".bin"))
            lines.append(f"{sum(shard.tokens) / total!r} {name.removesuffix('.bin')}\n")
        return {"data-args.txt": "".join(lines).encode()}


class Datatrove:
    """`.ds`, `.ds.index` and `.ds.metadata`, as datatrove's tokenizer writes them and nanotron's Nanoset reads them."""

    name = "datatrove"
    carried: Carried = "ids"

    def write(self, shard: Shard, piles: Iterator[Pile]) -> dict[str, Any]:
        """`.ds` and its two files."""
        items = write_ids(shard, piles, ".ds")
        with shard.create(f"{shard.stem}.ds.index") as out:
            out.write(datatrove_index(items["tokens"]))
        with shard.create(f"{shard.stem}.ds.metadata") as out:
            out.write(datatrove_metadata(shard.about.tokenizer, shard.about.width, int(items["tokens"].sum())))
        return {}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """Nothing: a trainer takes the folder."""
        return {}
