"""Counts a blend again from its shards: is it what its manifest says?

Files are compared by SHA-256. Documents and tokens are counted by domain and quality bucket. Of shards of ids each
document must end where it is listed to end; of shards of text every so-many-th document is tokenised again. How often
a document appears is counted by its id, a part of all ids at a time, so memory stays flat.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from mixes.quality_parts import whole_of
from pipeline.blend.blend import TOKENIZER
from pipeline.blend.manifest import MANIFEST, BucketUse, Manifest
from pipeline.blend.read_back import Documents, main_files, read_documents
from pipeline.errors import PipelineError
from pipeline.executor.progress import Progress
from pipeline.store.tokenizer import load_tokenizer, vocabulary_hash

COUNTED = 20_000_000  # documents whose copies are counted at once: 320 MB
EVERY = 50  # one in this many texts is tokenised again
BLOCK = 1 << 22  # ids looked at together
NAMED = 5  # problems of one kind that are listed

Place = tuple[str, int]  # domain and bucket


def check_blend(folder: Path, manifest: Manifest, progress: Progress) -> list[str]:
    """What is wrong with a blend, a line each; nothing where it is whole."""
    names = main_files(manifest)
    passes = max(1, -(-manifest.documents // COUNTED))
    total, done = len(manifest.shards) + passes * len(names), 0
    problems: list[str] = []
    for name, listed in manifest.shards.items():
        problems += _check_file(folder / name, name, listed)
        done += 1
        progress(done, total)
    problems += _strangers(folder, manifest)
    if problems:
        return problems  # counting what is damaged says nothing more
    try:
        tokenizer = load_tokenizer(folder / TOKENIZER)
    except PipelineError as error:
        return [str(error)]
    if vocabulary_hash(tokenizer) != manifest.vocabulary_sha256:
        return [f"{TOKENIZER}: is another tokenizer than the one that {MANIFEST} names"]
    counted = _Counts(manifest, tokenizer)
    for part in range(passes):
        for name in names:
            try:
                for documents in read_documents(folder, manifest, name):
                    counted.add(documents, part, passes, first=part == 0)
            except (ValueError, KeyError, OSError, TypeError) as error:
                return [f"{name}: cannot be read as {manifest.format} ({type(error).__name__}: {error})"]
            if part == 0:
                problems += _check_ends(folder, manifest, name)
            done += 1
            progress(done, total)
        counted.end_of_part()
    return problems + counted.problems()


def _check_file(path: Path, name: str, listed: dict) -> Iterator[str]:
    try:
        size = path.stat().st_size
        if size != listed["bytes"]:
            yield f"{name}: has {size:,} bytes instead of {listed['bytes']:,}"
            return
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != listed["sha256"]:
                yield f"{name}: is not what was written"
    except OSError as error:
        yield f"{name}: {error.strerror}"


def _strangers(folder: Path, manifest: Manifest) -> list[str]:
    """Files that a trainer would read as shards and that the blend does not have."""
    known = {Path(name).name for name in manifest.shards}
    found = sorted(path.name for path in folder.iterdir() if path.name.startswith("part-") and path.name not in known)
    return [f"{name}: is no file of this blend" for name in found[:NAMED]]


def _check_ends(folder: Path, manifest: Manifest, name: str) -> list[str]:
    """Whether each document of a shard of ids ends with the ending token, and none holds another."""
    ids = folder / name
    if manifest.format not in ("megatron", "olmo-core", "datatrove"):
        return []
    dtype = np.dtype(f"<u{manifest.token_bytes}")
    listed = [np.array(part.tokens, dtype=np.int64) for part in read_documents(folder, manifest, name)]
    ends = np.concatenate([np.zeros(0, np.int64), *listed]).cumsum()
    begun = ended = 0
    with ids.open("rb") as file:
        while block := file.read(BLOCK * dtype.itemsize):
            places = np.flatnonzero(np.frombuffer(block, dtype=dtype) == manifest.end_token) + begun + 1
            if not np.array_equal(places, ends[ended : ended + len(places)]):
                return [f"{name}: document {ended:,} or one behind it does not end where it is listed to end"]
            ended, begun = ended + len(places), begun + len(block) // dtype.itemsize
    return [] if ended == len(ends) else [f"{name}: holds {ended:,} documents instead of {len(ends):,}"]


class _Counts:
    """Documents and tokens by domain and bucket, and copies of each document."""

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer) -> None:
        self.manifest, self.tokenizer = manifest, tokenizer
        self.listed = {(whole_of(bucket.domain), bucket.bucket): bucket for bucket in manifest.buckets}
        self.numbers = {place: number for number, place in enumerate(self.listed)}
        size = len(self.listed)
        self.documents, self.tokens, self.singles = (np.zeros(size, np.int64) for _ in range(3))
        self.copies: list[set[int]] = [set() for _ in range(size)]
        self.ids: list[np.ndarray] = []  # (2, n): id and bucket
        self.miscounted = 0  # sampled texts that have other tokens than they say

    def add(self, documents: Documents, part: int, parts: int, first: bool) -> None:
        """Count some documents; of their ids those of one part."""
        if not documents.ids:
            return
        places = zip(documents.domains, documents.buckets, strict=True)
        try:
            numbers = np.array([self.numbers[place] for place in places], dtype=np.int64)
        except KeyError as unknown:
            raise ValueError(f"unknown domain and bucket {unknown}") from None
        ids = np.array([int(name[:16], 16) for name in documents.ids], dtype=np.uint64)
        own = ids % np.uint64(parts) == part
        self.ids.append(np.stack([ids[own], numbers[own].astype(np.uint64)]))
        if first:
            size = len(self.listed)
            self.documents += np.bincount(numbers, minlength=size)
            self.tokens += np.bincount(numbers, np.array(documents.tokens), size).astype(np.int64)
            if documents.texts is not None:
                encoded = self.tokenizer.encode_batch_fast(documents.texts[::EVERY], add_special_tokens=False)
                lengths = [len(found.ids) + 1 for found in encoded]  # the ending token
                self.miscounted += sum(a != b for a, b in zip(lengths, documents.tokens[::EVERY], strict=True))

    def end_of_part(self) -> None:
        """Count the copies of the ids so far."""
        ids, numbers = np.concatenate([np.empty((2, 0), np.uint64), *self.ids], axis=1)
        self.ids = []
        _, where, copies = np.unique(ids, return_index=True, return_counts=True)
        bucket = numbers[where].astype(np.int64)
        self.singles += np.bincount(bucket, minlength=len(self.listed))
        for number, count in set(zip(bucket.tolist(), copies.tolist(), strict=True)):
            self.copies[number].add(count)

    def problems(self) -> list[str]:
        """What differs from the manifest."""
        lines = []
        for (domain, number), place in self.numbers.items():
            listed = self.listed[domain, number]
            for what, counted in (("documents", self.documents), ("tokens", self.tokens), ("singles", self.singles)):
                found, wanted = int(counted[place]), getattr(listed, what)
                if found != wanted:
                    lines.append(f"domain {domain}, bucket {number}: {found:,} {what} instead of {wanted:,}")
            lines += self._uneven(listed, self.copies[place])
        if self.miscounted:
            lines.append(f"{self.miscounted:,} of the texts that were tokenised again have other tokens than they say")
        return lines

    def _uneven(self, listed: BucketUse, copies: set[int]) -> list[str]:
        """Documents of one bucket appear as often as each other, or once more."""
        seen = {0, *copies} if listed.singles < listed.pool_documents else copies
        if seen and max(seen) - min(seen) > (2 if self.manifest.after else 1):
            place = f"domain {listed.domain}, bucket {listed.bucket}"
            return [f"{place}: its documents appear from {min(seen)} to {max(seen)} times"]
        return []
