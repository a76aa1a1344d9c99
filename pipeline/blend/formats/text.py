"""Shards of text: Dolma's JSON Lines, and Parquet."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from pipeline.blend.formats.kind import Shard, Written
from pipeline.blend.layout import About, Carried
from pipeline.blend.piles import Pile

LEVEL = 3  # of zstandard
ROWS = 1_000  # documents of a row group

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("created", pa.string()),
        ("domain", pa.string()),
        ("bucket", pa.int32()),
        ("topic", pa.string()),
        ("quality", pa.float64()),
        ("url", pa.string()),
        ("license", pa.string()),
        ("tokens", pa.int64()),
    ]
)


class Jsonl:
    """JSON Lines with Dolma's fields, packed with zstandard."""

    name = "jsonl"
    carried: Carried = "line"

    def write(self, shard: Shard, piles: Iterator[Pile]) -> dict[str, Any]:
        """`.jsonl.zst`."""
        packer = zstandard.ZstdCompressor(level=LEVEL).compressobj()
        with shard.create(f"{shard.stem}.jsonl.zst") as out:
            for pile in shard.counted(piles):
                for lines in shard.runs(pile.contents):
                    out.write(packer.compress(lines))
            out.write(packer.flush())
        return {}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """Nothing."""
        return {}


class Parquet:
    """One row per document."""

    name = "parquet"
    carried: Carried = "line"

    def write(self, shard: Shard, piles: Iterator[Pile]) -> dict[str, Any]:
        """`.parquet`."""
        settings = {"compression": "zstd", "write_page_checksum": True}
        with shard.create(f"{shard.stem}.parquet") as out, pq.ParquetWriter(out, SCHEMA, **settings) as table:
            for pile in shard.counted(piles):
                for first in range(0, len(pile.contents), ROWS):
                    rows = [_flat(orjson.loads(line)) for line in pile.contents[first : first + ROWS]]
                    table.write_table(pa.Table.from_pylist(rows, SCHEMA))
        return {}

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """Nothing."""
        return {}


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, **line["metadata"]}
