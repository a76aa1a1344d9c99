"""Checks a fastText model file from outside: whether its parts add up to exactly the file's size.

fastText's own loader trusts the file: cut inside its dictionary it reads for ever, cut inside a matrix it goes on
with zeros, and with counts that do not fit each other it reads beyond its arrays. So a file that someone gives is
walked first, without the library. Layout (fastText's saveModel, version 12, little-endian): magic and version; the
training arguments; the dictionary, words before labels; the input matrix; the output matrix, one row a label.
"""

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.errors import ClassifierError

LABEL = "__label__"
MAGIC = 793712314
VERSIONS = (11, 12)
SUPERVISED = 3
LOSSES = (1, 2, 3, 4)  # hierarchical softmax, negative sampling, softmax, one-vs-all
CENTROIDS = 256  # of a product quantiser, by part
MOST_COUNTED = 10**15  # fastText's tree of labels takes a larger count for infinity
LONGEST = 1 << 16  # bytes of a word
CHUNK = 1 << 24  # floats checked at a time


@dataclass(frozen=True)
class ModelFile:
    """What a model file says of itself."""

    labels: tuple[str, ...]  # without fastText's prefix, in the file's order
    words: int
    dimensions: int
    hash_buckets: int


class _Damaged(Exception):
    """What is wrong with the file."""


def read_model_file(path: Path, called: str) -> ModelFile:
    """Walk a model file, its floats included; cost: one pass over the file. `called` begins the line of an error.

    Raises:
        ClassifierError: it cannot be opened, is no supervised fastText model, or its parts do not fit together.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head != MAGIC.to_bytes(4, "little"):
                raise ClassifierError(
                    f"{called}: not a fastText model (it begins with {head.hex() or 'nothing, it is empty'})"
                )
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _walk(_Cursor(data))
    except OSError as error:
        raise ClassifierError(f"{called}: {error.strerror} — give the path of a fastText model") from None
    except _Damaged as damage:
        raise ClassifierError(f"{called}: damaged, {damage} — fetch or train it again") from None


class _Cursor:
    """A place in the file that only moves within it."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.at = data, 0

    def take(self, layout: str, of: str) -> tuple[Any, ...]:
        """Values of a struct layout."""
        size = struct.calcsize(f"<{layout}")
        if self.at + size > len(self.data):
            raise _Damaged(f"it ends inside its {of}")
        self.at += size
        return struct.unpack_from(f"<{layout}", self.data, self.at - size)

    def word(self) -> bytes:
        """Bytes up to the next NUL."""
        end = self.data.find(b"\0", self.at, self.at + LONGEST)
        if end < 0:
            raise _Damaged("a word of its dictionary does not end")
        word, self.at = self.data[self.at : end], end + 1
        return word

    def skip(self, size: int, of: str) -> int:
        """Pass over `size` bytes; returns where they begin."""
        if not 0 <= size <= len(self.data) - self.at:
            raise _Damaged(f"it ends inside its {of}")
        self.at += size
        return self.at - size

    def floats(self, count: int, of: str) -> None:
        """Pass over float32 values, all of which must be finite."""
        at = self.skip(4 * count, of)
        for start in range(0, count, CHUNK):
            stop = min(start + CHUNK, count)
            if not np.isfinite(np.frombuffer(self.data[at + 4 * start : at + 4 * stop], "<f4")).all():
                raise _Damaged(f"its {of} holds values that are no numbers")


def _walk(file: _Cursor) -> ModelFile:
    _, version = file.take("ii", "header")
    _must(version in VERSIONS, f"its version is {version}, known are {VERSIONS[0]} and {VERSIONS[1]}")
    dimensions, buckets = _arguments(file, version)
    labels, words, pruned = _dictionary(file)
    (quantised,) = file.take("B", "input matrix")
    _must(quantised in (0, 1), f"it says {quantised} for whether it is quantised")
    _must(bool(quantised) or pruned < 0, "its dictionary is pruned, but its input matrix is not quantised")
    _matrix(file, bool(quantised), words + (buckets if pruned < 0 else pruned), dimensions, "input matrix")
    (output_quantised,) = file.take("B", "output matrix")
    _must(output_quantised in (0, 1), f"it says {output_quantised} for whether its output is quantised")
    _matrix(file, bool(quantised and output_quantised), len(labels), dimensions, "output matrix")
    _must(file.at == len(file.data), f"{len(file.data) - file.at} bytes follow its end")
    return ModelFile(labels, words, dimensions, buckets)


def _arguments(file: _Cursor, version: int) -> tuple[int, int]:
    """(dimensions, hash buckets); what else decides a loader's memory or time must be plausible."""
    names = ("dim", "ws", "epoch", "minCount", "neg", "wordNgrams", "loss", "model", "bucket", "minn", "maxn", "rate")
    values = dict(zip(names, file.take("12i", "header"), strict=True))
    file.take("d", "header")
    _must(values["model"] == SUPERVISED, "it is no classifier (word vectors only)")
    _must(values["loss"] in LOSSES, f"its loss is number {values['loss']}")
    for name, limit in {"dim": 1 << 16, "neg": 1 << 16, "wordNgrams": 100, "minn": 100, "maxn": 100}.items():
        _must(0 <= values[name] <= limit, f"its {name} is {values[name]}")
    hashes = values["wordNgrams"] > 1 or (values["maxn"] > 0 and version > VERSIONS[0])  # the older one ignores maxn
    _must(values["dim"] > 0, "it has no dimensions")
    _must(values["bucket"] >= hashes, f"it hashes n-grams into {values['bucket']} buckets")
    return values["dim"], values["bucket"]


def _dictionary(file: _Cursor) -> tuple[tuple[str, ...], int, int]:
    """(labels, number of words, size of the pruned index or -1)."""
    size, words, count, tokens, pruned = file.take("iiiqq", "header")
    _must(words >= 0 and count > 0 and size == words + count, f"it counts {words} words and {count} labels of {size}")
    _must(tokens >= 0 and pruned >= -1, f"it counts {tokens} tokens, and {pruned} in its pruned index")
    labels = []
    for number in range(size):
        word = file.word()
        seen, kind = file.take("qb", "dictionary")
        _must(0 <= seen <= MOST_COUNTED, f"it counts a word {seen} times")
        _must(kind == (number >= words), "its dictionary mixes words and labels")
        if kind:
            try:
                labels.append(word.decode().removeprefix(LABEL))
            except UnicodeDecodeError:
                raise _Damaged("one of its labels is not UTF-8") from None
    _must(len(set(labels)) == count, "its labels are not unique")
    if pruned > 0:
        at = file.skip(8 * pruned, "pruned index")
        rows = np.frombuffer(file.data[at : at + 8 * pruned], "<i4")[1::2]
        _must(bool(((rows >= 0) & (rows < pruned)).all()), "its pruned index points beyond its matrix")
    return tuple(labels), words, pruned


def _matrix(file: _Cursor, quantised: bool, rows: int, columns: int, of: str) -> None:
    (normed,) = file.take("B", of) if quantised else (0,)
    shape = file.take("qq", of)
    _must(shape == (rows, columns), f"its {of} is {shape[0]} × {shape[1]}, its header wants {rows} × {columns}")
    if not quantised:
        file.floats(rows * columns, of)
        return
    (codes,) = file.take("i", of)
    file.skip(codes, of)
    _must(codes == rows * _quantiser(file, columns, of), f"its {of} holds {codes} codes")
    if normed:
        file.skip(rows, of)
        _must(_quantiser(file, 1, of) == 1, f"the norms of its {of} are no column")


def _quantiser(file: _Cursor, columns: int, of: str) -> int:
    """Parts that a row is quantised in."""
    dim, parts, width, last = file.take("4i", of)
    _must(
        dim == columns and width > 0 and parts == math.ceil(dim / width) and last == dim - (parts - 1) * width,
        f"the quantiser of its {of} says {dim} columns in {parts} parts of {width}",
    )
    file.floats(dim * CENTROIDS, of)
    return parts


def _must(true: bool, otherwise: str) -> None:
    if not true:
        raise _Damaged(otherwise)
