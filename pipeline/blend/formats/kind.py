"""What every format of a blend is: how documents are carried to it, and how it writes a shard of them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from pipeline.blend.layout import About, Carried
from pipeline.blend.piles import Pile

RUN = 1 << 20  # bytes written at once


@dataclass(frozen=True)
class Written:
    """A finished shard: its files, in the order in which they become visible, and what they hold by bucket."""

    files: dict[str, dict[str, Any]]  # path in the blend → bytes, sha256
    documents: list[int]
    tokens: list[int]
    extra: dict[str, Any]  # what the format's own index says of the shard


class Format(Protocol):
    """One way to write a training set."""

    name: str
    carried: Carried

    def write(self, shard: "Shard", piles: Iterator[Pile]) -> dict[str, Any]:
        """Write the shard's files through `shard.create`; returns what `finish` needs of it."""

    def finish(self, shards: Sequence[Written], about: About) -> dict[str, bytes]:
        """Files over all shards: path in the blend → content."""


class Shard:
    """The files of one shard as they are written."""

    def __init__(self, folder: Path, number: int, about: About) -> None:
        self.folder, self.number, self.about = folder, number, about
        self.stem = f"part-{number:05d}"
        self.files: dict[str, dict[str, Any]] = {}
        size = len(about.buckets)
        self.documents, self.tokens = np.zeros(size, np.int64), np.zeros(size, np.int64)

    def create(self, name: str) -> "HashedFile":
        """A new file of this name in the blend."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return HashedFile(path.open("wb"), lambda listed: self.files.__setitem__(name, listed))

    @staticmethod
    def runs(contents: list[memoryview]) -> Iterator[bytes]:
        """Contents joined by about a megabyte, for few and large writes."""
        first, size = 0, 0
        for place, content in enumerate(contents, 1):
            size += len(content)
            if size >= RUN or place == len(contents):
                yield b"".join(contents[first:place])
                first, size = place, 0

    def counted(self, piles: Iterator[Pile]) -> Iterator[Pile]:
        """The piles, whose documents are counted on their way."""
        for pile in piles:
            size, bucket = len(self.about.buckets), pile.items["bucket"]
            self.documents += np.bincount(bucket, minlength=size)
            self.tokens += np.bincount(bucket, pile.items["tokens"], size).astype(np.int64)
            yield pile

    def written(self, extra: dict[str, Any]) -> Written:
        """What was written."""
        return Written(self.files, self.documents.tolist(), self.tokens.tolist(), extra)


class HashedFile:
    """A file that is hashed as it is written, and listed when it is closed."""

    def __init__(self, file: BinaryIO, listed: Callable[[dict[str, Any]], None]) -> None:
        self.file, self._listed, self._digest = file, listed, hashlib.sha256()
        self.closed = False

    def write(self, content: bytes | memoryview) -> int:
        """Append."""
        self._digest.update(content)
        return self.file.write(content)

    def tell(self) -> int:
        """Bytes so far."""
        return self.file.tell()

    def flush(self) -> None:
        """As files do."""
        self.file.flush()

    def writable(self) -> bool:
        """As files say."""
        return True

    def readable(self) -> bool:
        """As files say."""
        return False

    def seekable(self) -> bool:
        """As files say."""
        return False

    def close(self) -> None:
        """Close and list the file."""
        if not self.closed:
            self.closed, size = True, self.file.tell()
            self.file.close()
            self._listed({"bytes": size, "sha256": self._digest.hexdigest()})

    def __enter__(self) -> "HashedFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
