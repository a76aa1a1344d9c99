"""What a blend carries of each document from the pool to its shards: token ids, or a record as the format has it."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import orjson

from pipeline.blend.layout import About
from pipeline.blend.rates import Bucket
from pipeline.pool.check_tokens import DamagedTokens, undamaged_pages
from pipeline.pool.pool import TRAIN
from pipeline.pool.tokenise import file_name
from pipeline.store.documents import read_rows
from pipeline.store.files import rank_file, rank_name

Payload = bytes
IN_METADATA = ("domain", "bucket", "topic", "quality", "url", "license", "tokens")


class Payloads(Protocol):
    """What is carried of documents."""

    def read(self, rank: int, rows: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, Payload]]:
        """(place among the index's `rows` (n,), payload) of the `wanted` (n,) documents of a rank."""


def dolma_line(row: dict) -> Payload:
    """One line of Dolma's JSONL: https://github.com/allenai/dolma/blob/main/docs/data-format.md"""
    line = {"id": row["id"], "text": row["text"], "source": row["source"]}
    if row["date"]:
        line["created"] = row["date"]
    metadata = {name: row[name] for name in IN_METADATA if row[name] is not None}
    return orjson.dumps({**line, "metadata": metadata}, option=orjson.OPT_APPEND_NEWLINE)


def mds_sample(row: dict) -> Payload:
    """One sample of an MDS shard with the columns of formats/mds.py: sizes of its texts, then its values."""
    texts = [str(row[name]).encode() for name in ("domain", "id", "source", "text")]
    sizes = np.array([len(text) for text in texts], dtype="<u4").tobytes()
    bucket, tokens = (np.array([row[name]], dtype="<i4").tobytes() for name in ("bucket", "tokens"))
    return b"".join((sizes, bucket, *texts, tokens))


@dataclass(frozen=True)
class IdPayloads:
    """Token ids of documents, as the pool's files hold them.

    hashed: file → SHA-256 as the pool's manifest lists it.
    """

    tokenised: Path
    buckets: tuple[Bucket, ...]
    width: int  # bytes of an id
    hashed: dict[str, str]

    def read(self, rank: int, rows: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, Payload]]:
        """(place among `rows`, ids) of the `wanted` (n,) documents, a file after another. All of a file is read, and
        compared with its hash.

        Raises:
            DamagedTokens: a file is not what was written.
        """
        for number in np.unique(rows["bucket"]).tolist():
            own = np.flatnonzero(rows["bucket"] == number)
            sizes = (rows["tokens"][own].astype(np.int64) * self.width).tolist()
            name = self._name(rank, self.buckets[number])
            digest = hashlib.sha256()
            with (self.tokenised / "tokens" / name).open("rb") as file:
                for place, size, is_wanted in zip(own.tolist(), sizes, wanted[own].tolist(), strict=True):
                    content = file.read(size)
                    digest.update(content)
                    if is_wanted:
                        yield place, content
                digest.update(file.read(1))  # nothing is left
            if self.hashed.get(name) not in (None, digest.hexdigest()):
                raise DamagedTokens(self.tokenised.name, f"tokens/{name} is not what was written")

    @staticmethod
    def _name(rank: int, bucket: Bucket) -> str:
        return f"{rank_name(rank)}/{file_name(bucket.place[0])}.{bucket.number:02d}.{TRAIN}.bin"


@dataclass(frozen=True)
class RecordPayloads:
    """Records of documents with their text, as `encode` writes them."""

    tokenised: Path
    encode: Callable[[dict], Payload]

    def read(self, rank: int, rows: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, Payload]]:
        """(place among `rows`, record) of the `wanted` (n,) documents, in the pool's order."""
        places = dict(zip(rows["row"][wanted].tolist(), np.flatnonzero(wanted).tolist(), strict=True))
        table = rank_file(self.tokenised / "pool", rank)
        with undamaged_pages(self.tokenised, table.name):
            for number, row in enumerate(read_rows(table)):
                if number in places:
                    yield places[number], self.encode(row)


def payloads_of(about: About) -> Payloads:
    """What the format of a blend carries of each document."""
    if about.carried == "ids":
        return IdPayloads(about.tokenised, about.buckets, about.width, about.hashed)
    return RecordPayloads(about.tokenised, dolma_line if about.carried == "line" else mds_sample)
