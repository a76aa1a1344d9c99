"""The lines of a text file, however it is packed and in whatever Unicode it is."""

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from pipeline.read.packing import content_of, kind_of
from pipeline.read.refused import Refused, larger_than
from pipeline.read.settings import MAX_DOCUMENT

LOOK = 4096  # bytes of the content that tell what it is
UTF8 = codecs.BOM_UTF8
WIDE = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be",  # before those that they start with
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip


def lines_of(file: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """(offset, line) in UTF-8 without byte order marks; None for a line of more than `limit` bytes.

    Offsets count unpacked bytes.

    Raises:
        Refused: it is something else than text.
        One of DAMAGE: its packing is cut (EOFError) or damaged.
    """
    offset, earlier = 0, 0  # where the present line starts; how much of it was in earlier pieces
    parts: list[bytes] = []  # the earlier pieces, unless the line is too large already
    for piece in _as_utf8(content_of(file)):
        *ended, rest = piece.split(b"\n")
        for end in ended:
            size = earlier + len(end)
            yield offset, b"".join([*parts, end]).removeprefix(UTF8) if size <= limit else None
            offset, earlier, parts = offset + size + 1, 0, []
        earlier += len(rest)
        if earlier <= limit:
            parts.append(rest)
        else:
            parts.clear()
    if earlier:
        yield offset, b"".join(parts).removeprefix(UTF8) if earlier <= limit else None


def lines(path: Path) -> Iterator[bytes]:
    """Lines of a local file, unpacked a bounded chunk at a time.

    Raises:
        Refused: a line is too large, or the file is cut or no text.
    """
    with path.open("rb") as file:
        try:
            for offset, line in lines_of(file, MAX_DOCUMENT):
                if line is None:
                    raise Refused(larger_than(MAX_DOCUMENT), offset, fatal=True)
                yield line
        except EOFError:
            raise Refused("truncated", file.tell(), fatal=True) from None


def _as_utf8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    while len(head) < LOOK and (piece := next(pieces, None)) is not None:
        head += piece
    pieces = chain([head], pieces)
    encoding = next((encoding for mark, encoding in WIDE.items() if head.startswith(mark)), "")
    if encoding:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        return (decoder.decode(piece).encode("utf-8", "replace") for piece in pieces)
    kind = kind_of(head[:LOOK])
    if kind:
        raise Refused(f"{kind}, not lines of text", 0, fatal=True)
    return pieces
