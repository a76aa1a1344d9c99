"""How a file is packed, by its first bytes and never by its name; and its content."""

import struct
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from pipeline.read.refused import Refused
from pipeline.read.unpack import CHUNK, DAMAGE, UNPACKERS, chunks_of

MAGIC = {
    b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz",
    b"\x5d\0\0": "xz", b"\x04\x22\x4d\x18": "lz4",
    **{struct.pack("<I", 0x184D2A50 + number): "zstd" for number in range(16)},  # frames to skip, or a dictionary
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!": "rar", b"LZIP": "lzip",
    b"\x1f\x9d": "compress (.Z)", b"\x02\x21\x4c\x18": "lz4 of the old format", b"\x89LZO": "lzop",
    b"\xff\x06\0\0sNaPpY": "snappy",
}  # fmt: skip
BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")  # what must follow BZh and a digit: a block, or the end
BINARY = 0.02  # share of zeros from which on bytes are no text (assumed)
TAR = b"ustar"  # at byte 257
CONTENT = {
    b"PAR1": "a Parquet file", b"ARROW1": "an Arrow file", b"Obj\x01": "an Avro file",
    b"SQLite format 3": "an SQLite database", b"WARC/1.": "a WARC file", b"WARC/0.": "a WARC file",
    b"filedesc:": "an ARC file", b"\x93NUMPY": "a NumPy file", b"%PDF-": "a PDF file", b"\x89HDF": "an HDF5 file", 
    b"\x80\x04\x95": "a pickle",
}  # fmt: skip


def packing_of(head: bytes) -> str:
    """What a file's first bytes say that it is packed as; empty where it is not."""
    for magic, name in MAGIC.items():
        if head.startswith(magic) and (name != "bzip2" or head[4:].startswith(BZIP2_BLOCKS) or len(head) < 10):
            return name
    return "tar" if head[257 : 257 + len(TAR)] == TAR else ""


def content_of(file: BinaryIO) -> Iterator[bytes]:
    """A file's content in pieces, unpacked where it is packed.

    Raises:
        Refused: it is packed in a way that is not read.
        One of DAMAGE: it is cut (EOFError) or damaged.
    """
    head = file.read(CHUNK)
    chunks = chain([head], chunks_of(file)) if head else iter(())
    packing = packing_of(head)
    return unpack_as(packing, chunks) if packing else chunks


def unpack_as(packing: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of chunks that are packed in this way.

    Raises:
        Refused: it is none that is read.
    """
    if packing not in UNPACKERS:
        raise Refused(f"packed as {packing}, which is not read: repack it with gzip or zstd", 0, fatal=True)
    return UNPACKERS[packing](chunks)


def proven_packing(content: bytes) -> str:
    """How bytes are packed that may be anything: what they look like, if some of it can be unpacked."""
    packing = packing_of(content)
    try:
        proven = packing in UNPACKERS and any(unpack_as(packing, iter([content])))
    except DAMAGE:
        proven = False
    return packing if proven else ""


def kind_of(content: bytes) -> str:
    """What a file's content plainly is, where it is something else than lines of text; empty where it may be that."""
    packing = packing_of(content)
    if packing:
        return f"packed as {packing}"
    for magic, name in CONTENT.items():
        if content.startswith(magic):
            return name
    if content[:100].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML or XML page"
    return "binary" if content.count(b"\0") > len(content) * BINARY else ""
