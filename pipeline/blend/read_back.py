"""The documents of a blend's shards, read from the shards themselves."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson
import zstandard

from pipeline.blend.formats.ids import DOCUMENTS
from pipeline.blend.manifest import Manifest
from pipeline.store.documents import read_groups

ROWS = 10_000  # documents read at once


@dataclass(frozen=True)
class Documents:
    """Some documents of a shard, in its order."""

    ids: list[str]
    domains: list[str]
    buckets: list[int]
    tokens: list[int]
    texts: list[str] | None  # None where the shard holds ids


MAIN = {
    "jsonl": ".jsonl.zst", "parquet": ".parquet", "megatron": ".bin", "olmo-core": ".npy", "datatrove": ".ds",
    "mds": ".mds",
}  # fmt: skip


def main_files(manifest: Manifest) -> list[str]:
    """The file of each shard that holds its documents."""
    return [name for name in manifest.shards if "/" not in name and name.endswith(MAIN[manifest.format])]


def read_documents(folder: Path, manifest: Manifest, name: str) -> Iterator[Documents]:
    """Documents of one shard, some at a time."""
    if manifest.format == "jsonl":
        yield from _of_lines(folder / name)
    elif manifest.format == "parquet":
        yield from _of_table(folder / name, with_text=True)
    elif manifest.format == "mds":
        yield from _of_samples(folder / name)
    else:
        yield from _of_table(folder / DOCUMENTS / f"{name.partition('.')[0]}.parquet", with_text=False)


def _of_lines(file: Path) -> Iterator[Documents]:
    with file.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as lines:
        rows: list[dict] = []
        for line in io.BufferedReader(lines):
            rows.append(orjson.loads(line))
            if len(rows) == ROWS:
                yield _of_records(rows)
                rows = []
        yield _of_records(rows)


def _of_records(rows: list[dict]) -> Documents:
    about = [row["metadata"] for row in rows]
    return Documents(
        [row["id"] for row in rows], [row["domain"] for row in about], [row["bucket"] for row in about],
        [row["tokens"] for row in about], [row["text"] for row in rows],
    )  # fmt: skip


def _of_table(file: Path, with_text: bool) -> Iterator[Documents]:
    names = ["id", "domain", "bucket", "tokens", *(["text"] if with_text else [])]
    for table in read_groups(file, names):
        ids, domains, buckets, tokens, *texts = (table[name].to_pylist() for name in names)
        yield Documents(ids, domains, buckets, tokens, texts[0] if with_text else None)


def _of_samples(file: Path) -> Iterator[Documents]:
    """MDS with the columns of formats/mds.py."""
    with file.open("rb") as shard:
        (count,) = struct.unpack("<I", shard.read(4))
        offsets = np.frombuffer(shard.read(4 * (count + 1)), dtype="<u4")
        for first in range(0, count, ROWS):
            ends = offsets[first : first + ROWS + 1]
            shard.seek(int(ends[0]))
            content = shard.read(int(ends[-1] - ends[0]))
            places = (ends - ends[0]).tolist()
            samples = [_sample(content[a:b]) for a, b in pairwise(places)]
            yield Documents(*(list(column) for column in zip(*samples, strict=True)))


def _sample(content: bytes) -> tuple[str, str, int, int, str]:
    """Id, domain, bucket, tokens and text."""
    sizes = struct.unpack("<4I", content[:16])
    (bucket,), texts, place = struct.unpack("<i", content[16:20]), [], 20
    for size in sizes:
        texts.append(content[place : place + size].decode())
        place += size
    (tokens,) = struct.unpack("<i", content[place : place + 4])
    return texts[1], texts[0], bucket, tokens, texts[3]
