"""Texts end to end with fingerprints of their windows: what `pipeline/repeats.py` works on.

`texts/<file>/` holds, for the documents of one file that are left and long enough for a window,

    text.bin           their texts, a separator after each
    starts.npy         the place of each one's first byte in it
    documents.npy      row in the file of documents, date, id
    records-*.npy      records of its windows, in pieces sorted by hash: any range of hashes is read by itself
    spans.npy          places of windows that are known to be repeated already
    digest             SHA-256 of the texts

An address is a place in any file's text: the file's number, and below it 40 bits for the place.
"""

import hashlib
import os
import shutil
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.dedup.address import rows_of
from pipeline.dedup.windows import BLOCK, RECORD, SEPARATOR, join_spans, winnow
from pipeline.store.documents import read_groups
from pipeline.store.files import rank_file, rank_name
from pipeline.store.writing import written_aside

PIECE = 1 << 20  # records sorted at a time, 24 bytes each
ADDRESS = 40  # bits of a place
DOCUMENT = np.dtype([("row", "<i8"), ("date", "S40"), ("id", "S24")])  # further bytes do not count for the order


class Fingerprints(PipelineStep):
    """Rank r writes `texts/<r>/` for file r of the documents."""

    type = "mixwright"
    name = "fingerprints"

    def __init__(self, documents: Path, lost: Sequence[Path], length: int, work: Path) -> None:
        super().__init__()
        self.documents, self.lost, self.length, self.work = documents, lost, length, work

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Holds a row group of documents, then a piece of records."""
        with whole_folder(self.work / "texts" / rank_name(rank)) as folder:
            self._write_text(rank, folder)
            self._write_records(folder)
        return iter(())

    def _write_text(self, file: int, folder: Path) -> None:
        gone = rows_of(self.lost, file)
        starts, listed, place, digest = [], [], 0, hashlib.sha256()
        with (folder / "text.bin").open("wb") as out:
            for row, (id, date, text) in enumerate(self._texts(file)):
                if len(text) >= self.length and row not in gone:
                    starts.append(place)
                    listed.append((row, date, id))
                    digest.update(text)
                    place += out.write(text) + out.write(bytes([SEPARATOR]))
        np.save(folder / "starts.npy", np.array(starts, np.int64))
        np.save(folder / "documents.npy", np.array(listed, DOCUMENT))
        (folder / "digest").write_bytes(digest.digest())

    def _texts(self, file: int) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Id, date and text of every row."""
        names = ["id", "date", "text"]
        for table in read_groups(rank_file(self.documents / "documents", file), names):
            yield from zip(*(table[name].cast(pa.binary()).to_pylist() for name in names), strict=True)

    def _write_records(self, folder: Path) -> None:
        size = (folder / "text.bin").stat().st_size
        held, spans, count, pieces = [np.empty(0, RECORD)], [np.empty((0, 2), np.int64)], 0, 0
        for start in range(0, size - self.length + 1, BLOCK):
            block = np.fromfile(folder / "text.bin", np.uint8, BLOCK + self.length - 1, offset=start)
            records, repeated = winnow(block, self.length)
            records["place"] += start
            held.append(records)
            spans.append(repeated + start)
            count += len(records)
            if count >= PIECE or start + BLOCK > size - self.length:
                together = np.concatenate(held)
                in_order = together[np.argsort(together["hash"], kind="stable")]
                np.save(folder / f"records-{rank_name(pieces)}.npy", in_order)
                held, count, pieces = [], 0, pieces + 1
        np.save(folder / "spans.npy", join_spans(np.concatenate(spans)))


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A folder to write into, which gets its name when it is whole."""
    with written_aside(final) as aside:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        yield aside


class Texts:
    """Reads what all ranks of `Fingerprints` wrote."""

    def __init__(self, work: Path) -> None:
        self.folders = sorted((work / "texts").glob("[0-9]*"))

    def key(self) -> bytes:
        """Follows from all texts, so nobody can write one that fits it."""
        return hashlib.sha256(b"".join((folder / "digest").read_bytes() for folder in self.folders)).digest()

    def records(self, low: int, high: int) -> Iterator[np.ndarray]:
        """Records with hashes from `low` to `high` (exclusive) by address, a piece at a time, files ascending."""
        for file, folder in enumerate(self.folders):
            for path in sorted(folder.glob("records-*.npy")):
                piece = np.load(path, mmap_mode="r").view(np.ndarray)
                start, end = (bisect_left(piece["hash"], bound) for bound in (low, high))
                records = piece[start:end].copy()
                records["place"] += file << ADDRESS
                yield records

    def order(self, address: np.ndarray) -> np.ndarray:
        """(n,) number of the document at each address, in the order of the corpus; files must ascend."""
        number, listed, count = np.empty(len(address), np.int64), [np.empty(0, DOCUMENT)], 0
        bounds = np.searchsorted(address >> ADDRESS, np.arange(len(self.folders) + 1))
        for file, (start, end) in enumerate(pairwise(bounds.tolist())):
            if start < end:
                starts = np.load(self.folders[file] / "starts.npy", mmap_mode="r")
                places = address[start:end] - (file << ADDRESS)
                index, inverse = np.unique(np.searchsorted(starts, places, side="right") - 1, return_inverse=True)
                number[start:end] = count + inverse
                count += len(index)
                listed.append(np.load(self.folders[file] / "documents.npy", mmap_mode="r")[index])
        documents = np.concatenate(listed)
        date, id = (np.unique(documents[name], return_inverse=True)[1] for name in ("date", "id"))
        order = np.empty(len(documents), np.int64)
        order[np.lexsort((id, -date))] = np.arange(len(documents))
        return order[number]

    def read(self, address: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """(total,) uint8 bytes at the addresses, end to end."""
        content = np.empty(int(sizes.sum()), np.uint8)
        ends = np.cumsum(sizes)
        order = np.argsort(address)
        for part in np.split(order, np.flatnonzero(np.diff(address[order] >> ADDRESS)) + 1):
            file = int(address[part[0]]) >> ADDRESS
            places = (address[part] - (file << ADDRESS)).tolist()
            with (self.folders[file] / "text.bin").open("rb", buffering=0) as source:
                for place, size, end in zip(places, sizes[part].tolist(), ends[part].tolist(), strict=True):
                    if os.preadv(source.fileno(), [content.data[end - size : end]], place) != size:
                        raise OSError(f"{source.name}: ends before byte {place + size}")
        return content
