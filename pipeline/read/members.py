"""The parts of a stream that can be read independently: gzip members, or the whole of anything else.

Nothing here seeks, so that any stream can be read; and gzip goes on after damage with the next whole member.
"""

from collections.abc import Iterator
from typing import BinaryIO

from pipeline.read.unpack import CHUNK, FEED, ZLIB_ERROR, gzip_unpacker

KEEP = 16 << 20  # packed bytes of an unfinished gzip member that stay in memory, to look for the next one in
MAGIC = b"\x1f\x8b\x08"  # that a gzip member starts with
LOOK = 1 << 12  # packed bytes that decide whether a member really starts here


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
