"""Bounded decompression: what comes out of hostile bytes is handed on in pieces, a few megabytes at most.

Nothing here seeks, so that any stream can be read; and gzip goes on after damage with the next whole member.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, cast

import zstandard
from zlib_ng import zlib_ng  # twice zlib's speed (measured)

CHUNK = 1 << 18  # bytes read at a time
FEED = 1 << 10  # packed bytes unpacked at a time: deflate makes at most 1,032 times as many of them, zstd some 30,000
KEEP = 16 << 20  # packed bytes of an unfinished gzip member that stay in memory, to look for the next one in
MAGIC = b"\x1f\x8b\x08"  # that a gzip member starts with
LOOK = 1 << 12  # packed bytes that decide whether a member really starts here
ZLIB_ERROR = cast(type[Exception], zlib_ng.error)  # its stub calls it an instance
DAMAGE = (EOFError, ZLIB_ERROR, zstandard.ZstdError)  # what unpacking raises
WINDOW = 1 << 27  # bytes of history that a zstd frame may ask for


def gzip_unpacker() -> Any:
    """For one gzip member."""
    return zlib_ng.decompressobj(wbits=31)


def zstd_unpacker() -> Any:
    """For one zstd frame."""
    return zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()


UNPACKERS: dict[str, Callable[[], Any]] = {"gz": gzip_unpacker, "zst": zstd_unpacker}


def unpacked(chunks: Iterable[bytes], new: Callable[[], Any]) -> Iterator[bytes]:
    """Content of members or frames one after another.

    Raises:
        One of DAMAGE: the last one is cut (EOFError), or something is damaged.
    """
    unpacker = None
    for chunk in chunks:
        for at in range(0, len(chunk), FEED):
            packed = chunk[at : at + FEED]
            while packed:
                unpacker = unpacker or new()
                yield unpacker.decompress(packed)
                packed = unpacker.unused_data if unpacker.eof else b""
                unpacker = None if unpacker.eof else unpacker
    if unpacker:
        raise EOFError("cut in the middle")


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """A file as it is, a chunk at a time."""
    return iter(lambda: file.read(CHUNK), b"")


def lines_of(file: BinaryIO, name: str, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """(offset, line) of a file that is packed as its name's ending says; None for a line of more than `limit` bytes.

    Offsets count unpacked bytes.

    Raises:
        One of DAMAGE: as `unpacked`.
    """
    new = UNPACKERS.get(name.rpartition(".")[2])
    offset, earlier = 0, 0  # where the present line starts; how much of it was in earlier pieces
    parts: list[bytes] = []  # the earlier pieces, unless the line is too large already
    for piece in unpacked(chunks_of(file), new) if new else chunks_of(file):
        *ended, rest = piece.split(b"\n")
        for end in ended:
            size = earlier + len(end)
            yield offset, b"".join([*parts, end]) if size <= limit else None
            offset, earlier, parts = offset + size + 1, 0, []
        earlier += len(rest)
        if earlier <= limit:
            parts.append(rest)
        else:
            parts.clear()
    if earlier:
        yield offset, b"".join(parts) if earlier <= limit else None


class Whole:
    """A stream that is one part, plain or zstd: its pieces from the start to the end."""

    start = 0

    def __init__(self, pieces: Iterator[bytes], size: int | None = None) -> None:
        self.pieces, self.begun = pieces, False
        self.size = size  # bytes of all pieces, where that is known

    def next(self) -> bool:
        """True once."""
        fresh, self.begun = not self.begun, True
        return fresh

    def read(self) -> bytes:
        """The next piece; empty at the end."""
        return next((piece for piece in self.pieces if piece), b"")

    def join(self) -> bool:
        """Nothing continues it."""
        return False

    def recover(self) -> bool:
        """There is no other part to go on with."""
        return False


class GzipMembers:
    """A stream of gzip members, each a part; after damage it goes on with the next member that can be told."""

    size = None  # of what comes out

    def __init__(self, file: BinaryIO, head: bytes, begins: bytes) -> None:
        self.file = file
        self.begins = begins  # what a part's content starts with
        self.packed = bytearray(head)  # what was read of the file and is still needed
        self.origin = 0  # where in the file that starts
        self.taken = 0  # how much of it was unpacked
        self.start = 0  # where in the file the present member starts
        self.unpacker = gzip_unpacker()

    def next(self) -> bool:
        """Step behind what was unpacked, to the next member; False at the end of the file."""
        self._drop(self.taken)
        while self.packed or self._more():
            if self.packed[0] or self.packed.strip(b"\0"):
                self.start, self.unpacker = self.origin, gzip_unpacker()
                return True
            self._drop(len(self.packed) - 1)  # zeros pad a file; where anything follows, the one that stays is damage
            if not self._more():
                return False
        return False

    def read(self) -> bytes:
        """The member's next piece; empty at its end, where its checksum was right.

        Raises:
            One of DAMAGE: the file ends before it (EOFError), or the member is damaged.
        """
        while not self.unpacker.eof:
            if self.taken == len(self.packed) and not self._more():
                raise EOFError("cut in the middle")
            fed = self.packed[self.taken : self.taken + FEED]
            self.taken += len(fed)
            piece = self.unpacker.decompress(fed)
            self.taken -= len(self.unpacker.unused_data)
            if self.taken > KEEP:
                self._drop(self.taken)
            if piece:
                return piece
        return b""

    def join(self) -> bool:
        """Behind a member's end: let the next one continue the part, unless it begins a part itself."""
        while len(self.packed) < self.taken + len(MAGIC) and self._more():
            pass
        if not self.packed.startswith(MAGIC, self.taken) or self._begins_part(self.taken):
            return False
        self.unpacker = gzip_unpacker()
        return True

    def recover(self) -> bool:
        """Make the first member behind the present part's start that begins a part the next; False if there is none."""
        at = max(0, self.start + 1 - self.origin)
        while True:
            member = self.packed.find(MAGIC, at)
            if member < 0:
                self._drop(max(at, len(self.packed) - len(MAGIC) + 1))
                at = self.taken = 0
                if not self._more():
                    self._drop(len(self.packed))
                    return False
            elif self._begins_part(member):
                self.taken = member
                return True
            else:
                at = member + 1

    def _begins_part(self, at: int) -> bool:
        while len(self.packed) < at + LOOK and self._more():
            pass
        try:
            return gzip_unpacker().decompress(self.packed[at : at + LOOK], len(self.begins)) == self.begins
        except ZLIB_ERROR:
            return False

    def _more(self) -> bool:
        chunk = self.file.read(CHUNK)
        self.packed += chunk
        return bool(chunk)

    def _drop(self, count: int) -> None:
        del self.packed[:count]
        self.origin += count
        self.taken = max(0, self.taken - count)
