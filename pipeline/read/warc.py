"""The records of a WARC file, whatever stands between them: damage is a row, and reading goes on behind it.

Written out here since fastwarc 2.0.1 ends a file at its first bad record, lets a record with a wrong
Content-Length swallow those behind it over gzip members, and, asked to decode bodies, silently skips the record
behind one that is chunked and gzipped (measured). The format is ISO 28500; 0.17 and 0.18 are its drafts.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from pipeline.read.members import GzipMembers, Whole
from pipeline.read.packing import packing_of, unpack_as
from pipeline.read.refused import Refused
from pipeline.read.unpack import CHUNK, DAMAGE, chunks_of, damage_reason

MAX_HEADER = 1 << 16  # bytes of a record's or a response's header
AHEAD = 64  # bytes looked at behind a record, and that the first line of the next may take
VERSIONS = (b"0.17", b"0.18", b"1.0", b"1.1")
VERSION = re.compile(rb"WARC/(\d\.\d+)\s")
BLANK_LINE = re.compile(rb"\r?\n\r?\n")
NEXT_RECORD = re.compile(rb"\nWARC/\d\.\d+\r?\n[A-Za-z]")
FOLDED = re.compile(rb"\r?\n[ \t]+")
TEXTS = {"response", "conversion"}  # kinds that hold what some format reads: a shard of the other one is given wrongly
MOST_NAMED = 100  # characters of a reason that list kinds of records
MAX_DIGITS = 18  # of a length in bytes
ARC = b"filedesc:"  # that an ARC file, the format before WARC, starts with
LINE_ENDS = tuple(b"\r\n")

Headers = dict[str, str]  # lower-case name → first value


@dataclass(frozen=True)
class Record:
    """One record; its block is None where it is larger than allowed or was not asked for."""

    offset: int  # of the file; in a gzip member of several records, its start plus the unpacked bytes before
    headers: Headers
    block: bytes | None

    @property
    def kind(self) -> str:
        """Its WARC-Type."""
        return self.headers.get("warc-type", "").lower()


@dataclass(frozen=True)
class _Damage:
    """A place where the framing broke."""

    reason: str
    offset: int
    at_end: str  # the reason where no record follows
    confined: bool  # to a gzip member that is whole, and the record the first in it


class _BrokenFrame(Exception):
    """What stands here is no record, or it does not end where it says."""

    def __init__(self, reason: str, cut: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.cut = reason, cut


def warc_records(
    file: BinaryIO, name: str, kinds: Sequence[str], beside: Sequence[str], limit: int
) -> Iterator[Record | Refused]:
    """Records of these kinds (their WARC-Type), with blocks of at most `limit` bytes, those `beside` them without, and
    what could not be read.

    A refusal is fatal where nothing could be read behind it, unless it is one bad record in a member of its own.
    """
    damage: _Damage | None = None
    seen: set[str] = set()
    for record in _found(file, name, kinds, limit + MAX_HEADER):
        if damage:
            yield Refused(damage.reason, damage.offset)
        damage = record if isinstance(record, _Damage) else None
        if isinstance(record, Record):
            seen.add(record.kind)
            if record.kind in kinds or record.kind in beside:
                yield record
    if damage:
        yield Refused(damage.at_end, damage.offset, fatal=not (damage.confined and seen))
    elif not seen:
        yield Refused("empty file", 0, fatal=True)
    elif not seen & set(kinds):
        reason = f"no {' or '.join(kinds)} record, only {', '.join(sorted(seen))[:MOST_NAMED]}"
        yield Refused(reason, 0, fatal=bool(seen & TEXTS))


def _found(file: BinaryIO, name: str, kinds: Sequence[str], limit: int) -> Iterator[Record | _Damage]:
    parts = _parts(file, name)
    zipped = isinstance(parts, GzipMembers)
    while parts.next():
        tape = _Tape(parts)
        told = False  # whether the present damage has its row
        try:
            while tape.skip_blank_lines():
                offset = parts.start + tape.position
                try:
                    record = _record(tape, offset, kinds, limit)
                except _BrokenFrame as broken:
                    cut = broken.cut and not zipped
                    alone = zipped and tape.position == 0
                    yield _Damage(broken.reason, offset, "truncated" if cut else broken.reason, confined=alone)
                    told = True
                    tape.find_next()
                    told = False
                else:
                    yield record
        except DAMAGE as error:
            if not told:
                place = parts.start + tape.position
                yield _Damage("damaged compression", place, damage_reason(error), confined=False)
            parts.recover()


def _parts(file: BinaryIO, name: str) -> GzipMembers | Whole:
    """What can be read independently: gzip members, or the whole. The name counts where the first bytes are damaged."""
    head = file.read(CHUNK)
    packing = packing_of(head)
    if packing == "gzip" or (not packing and name.lower().endswith(".gz") and not head.startswith((b"WARC/", ARC))):
        return GzipMembers(file, head, b"WARC/")
    chunks = chain([head], chunks_of(file))
    return Whole(unpack_as(packing, chunks)) if packing else Whole(chunks, _size(file))


def _size(file: BinaryIO) -> int | None:
    if not file.seekable():
        return None
    here = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(here)
    return size


class _Tape:
    """A part's unpacked bytes from a record's start on."""

    def __init__(self, part: GzipMembers | Whole) -> None:
        self.part = part
        self.bytes = bytearray()
        self.position = 0  # of the first of them in the part

    def fill(self, size: int) -> bool:
        """Have at least `size` bytes; False where the part ends before, and nothing continues it."""
        while self._ahead(size) < size:
            if not self.part.join():
                return False
        return True

    def _ahead(self, size: int) -> int:
        """How many bytes there are, up to `size` if the part has them."""
        while len(self.bytes) < size and (piece := self.part.read()):
            self.bytes += piece
        return len(self.bytes)

    def drop(self, count: int) -> None:
        """Go on behind the first `count` bytes."""
        del self.bytes[:count]
        self.position += count

    def skip(self, count: int) -> bool:
        """Drop `count` bytes that are too many to hold; False where the part ends before."""
        while count > len(self.bytes):
            count -= len(self.bytes)
            self.drop(len(self.bytes))
            if not self.fill(1):
                return False
        self.drop(count)
        return True

    def skip_blank_lines(self) -> bool:
        """Drop line ends; False at the part's end."""
        while self._ahead(1):
            if self.bytes[0] not in LINE_ENDS:
                return True
            ahead = self.bytes[:AHEAD]
            self.drop(len(ahead) - len(ahead.lstrip(b"\r\n")))
        return False

    def ends_at(self, end: int) -> bool:
        """Whether a record that ends here is followed by what must follow."""
        self._ahead(end + AHEAD)
        behind = self.bytes[end : end + AHEAD]
        return behind.startswith(b"\r\n\r\n") or bytes(behind.lstrip(b"\r\n")[:5]) in (b"", b"WARC/")

    def find_next(self) -> None:
        """Drop everything up to the next place, behind the first byte, where a record may start."""
        while True:
            next_record = NEXT_RECORD.search(self.bytes)
            if next_record:
                return self.drop(next_record.start() + 1)
            self.drop(max(0, len(self.bytes) - AHEAD))
            if not self.fill(len(self.bytes) + 1):
                return self.drop(len(self.bytes))


def _record(tape: _Tape, offset: int, kinds: Sequence[str], limit: int) -> Record:
    """The record at the tape's start, which is left behind it."""
    headers, begin = _header(tape, offset)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit() and len(length) <= MAX_DIGITS):
        raise _BrokenFrame("wrong Content-Length")
    end = begin + int(length)
    if tape.part.size is not None and tape.position + end > tape.part.size:
        raise _BrokenFrame("wrong Content-Length", cut=True)
    fits = end - begin <= limit
    if not (tape.fill(end) if fits else tape.skip(end)):
        raise _BrokenFrame("wrong Content-Length", cut=True)
    if not tape.ends_at(end if fits else 0):
        raise _BrokenFrame("wrong Content-Length")
    if not fits:
        return Record(offset, headers, None)
    wanted = headers.get("warc-type", "").lower() in kinds
    block = bytes(memoryview(tape.bytes)[begin:end]) if wanted else None
    tape.drop(end)
    return Record(offset, headers, block)


def _header(tape: _Tape, offset: int) -> tuple[Headers, int]:
    """A record's header fields, and where its block starts."""
    tape.fill(len(ARC))
    if offset == 0 and tape.bytes.startswith(ARC):
        raise Refused("an ARC file, not WARC", 0, fatal=True)
    if not tape.bytes.startswith(b"WARC/"):
        raise _BrokenFrame("not a WARC record", cut=b"WARC/".startswith(bytes(tape.bytes[:5])))
    while not (blank := BLANK_LINE.search(tape.bytes, 0, MAX_HEADER)):
        if len(tape.bytes) >= MAX_HEADER:
            raise _BrokenFrame("header larger than 64 KB")
        if not tape.fill(len(tape.bytes) + 1):
            raise _BrokenFrame("header without an end", cut=True)
    version = VERSION.match(tape.bytes)
    if not version or version.group(1) not in VERSIONS:
        raise _BrokenFrame("unknown WARC version")
    return parse_headers(bytes(tape.bytes[: blank.start()])), blank.end()


def parse_headers(head: bytes) -> Headers:
    """Fields of a WARC or HTTP header; its first line is none. Of repeated fields the first counts."""
    fields: Headers = {}
    unfolded = FOLDED.sub(b" ", head).decode("utf-8", "replace")
    for line in unfolded.split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields
