"""Bounded decompression: what comes out of hostile bytes is handed on in pieces, a few megabytes at most.

Nothing here seeks, so that any stream can be read.
"""

import bz2
import lzma
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, cast

import zstandard
from zlib_ng import zlib_ng  # twice zlib's speed (measured)

CHUNK = 1 << 18  # bytes read at a time
FEED = 1 << 10  # packed bytes unpacked at a time: deflate makes at most 1,032 times as many of them, zstd some 30,000
FEED_BZIP2 = 1 << 7  # of bzip2, which makes 900 kB of 45 bytes
WINDOW = 1 << 27  # bytes of history that a zstd frame, or an xz stream, may ask for
DICTIONARY = b"\x5d\x2a\x4d\x18"  # of a zstd frame that holds the dictionary of those behind it, as WARC's draft has it
MAX_DICTIONARY = 1 << 24  # bytes
ZSTD = b"\x28\xb5\x2f\xfd"
PIECE = 1 << 20  # bytes that lz4 may give at a time


class Damaged(Exception):
    """Packed bytes that cannot be right, where the library has no error of its own for them."""


ZLIB_ERROR = cast(type[Exception], zlib_ng.error)  # its stub calls it an instance
DAMAGE = (EOFError, ZLIB_ERROR, zstandard.ZstdError, lzma.LZMAError, Damaged)  # what unpacking raises


def damage_reason(error: Exception) -> str:
    """What to call one of DAMAGE."""
    if isinstance(error, EOFError):
        return "truncated"
    text = str(error)
    if "too much memory" in text or "Memory usage limit" in text:
        return f"packed with a window of more than {WINDOW >> 20} MB"
    return "packed with a zstd dictionary that it does not hold" if "ictionary" in text else "damaged compression"


def gzip_unpacker() -> Any:
    """For one gzip member."""
    return zlib_ng.decompressobj(wbits=31)


def zstd_unpacker(dictionary: zstandard.ZstdCompressionDict | None = None) -> Any:
    """For one zstd frame."""
    return zstandard.ZstdDecompressor(max_window_size=WINDOW, dict_data=dictionary).decompressobj()


class _Bzip2:
    """For one bzip2 stream."""

    def __init__(self) -> None:
        self.stream = bz2.BZ2Decompressor()

    def decompress(self, packed: bytes) -> bytes:
        try:
            return self.stream.decompress(packed)
        except OSError as error:
            raise Damaged(str(error)) from None

    @property
    def eof(self) -> bool:
        return self.stream.eof

    @property
    def unused_data(self) -> bytes:
        return self.stream.unused_data


def _xz_unpacker() -> Any:
    return lzma.LZMADecompressor(memlimit=WINDOW + (WINDOW >> 2))


def unpacked(chunks: Iterable[bytes], new: Callable[[], Any], feed: int = FEED) -> Iterator[bytes]:
    """Content of members or frames one after another; zeros behind them pad a file.

    Raises:
        One of DAMAGE: the last one is cut (EOFError), or something is damaged.
    """
    unpacker, first = None, True
    for chunk in chunks:
        for at in range(0, len(chunk), feed):
            packed = chunk[at : at + feed]
            while packed:
                if unpacker is None and not first and not (packed := packed.lstrip(b"\0")):
                    break
                unpacker, first = unpacker or new(), False
                yield unpacker.decompress(packed)
                packed = unpacker.unused_data if unpacker.eof else b""
                unpacker = None if unpacker.eof else unpacker
    if unpacker:
        raise EOFError("cut in the middle")


def _unpacked_zstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Frames, with the dictionary that the file's first frame may hold."""
    head, dictionary = next(chunks, b""), None
    if head.startswith(DICTIONARY):
        size = int.from_bytes(head[4:8], "little")
        if size > MAX_DICTIONARY:
            raise Damaged("a zstd dictionary of more than 16 MB")
        while len(head) < 8 + size:
            head += next(chunks, b"") or _cut()
        content, head = head[8 : 8 + size], head[8 + size :] or next(chunks, b"")
        if content.startswith(ZSTD):
            content = b"".join(unpacked([content], zstd_unpacker))
        dictionary = zstandard.ZstdCompressionDict(content)

    def rest() -> Iterator[bytes]:
        yield head
        yield from chunks

    return unpacked(rest(), lambda: zstd_unpacker(dictionary))


def _cut() -> bytes:
    raise EOFError("cut in the middle")


class _Readable:
    """Chunks as a file, as pyarrow wants it."""

    closed = False

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.rest = chunks, b""

    def read(self, size: int) -> bytes:
        self.rest = self.rest or next(self.chunks, b"")
        part, self.rest = self.rest[:size], self.rest[size:]
        return part

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _unpacked_lz4(chunks: Iterator[bytes]) -> Iterator[bytes]:
    import pyarrow as pa

    with pa.CompressedInputStream(pa.PythonFile(_Readable(chunks), mode="r"), "lz4") as stream:
        while True:
            try:
                piece = stream.read(PIECE)
            except OSError as error:
                if "Truncated" in str(error):
                    raise EOFError("cut in the middle") from None
                raise Damaged(str(error)) if "LZ4" in str(error) else error from None
            if not piece:
                return
            yield piece


UNPACKERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": lambda chunks: unpacked(chunks, gzip_unpacker),
    "zstd": _unpacked_zstd,
    "bzip2": lambda chunks: unpacked(chunks, _Bzip2, FEED_BZIP2),
    "xz": lambda chunks: unpacked(chunks, _xz_unpacker),
    "lz4": _unpacked_lz4,
}  # what a file is packed as → its content


def chunks_of(file: BinaryIO) -> Iterator[bytes]:
    """A file as it is, a chunk at a time."""
    return iter(lambda: file.read(CHUNK), b"")
