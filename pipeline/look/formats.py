"""What a file holds, by its first bytes and never by its name: a format that is read, or what else it is."""

import json
from typing import BinaryIO

from pipeline.look.listing import FileAt, first_line
from pipeline.read.packing import content_of, kind_of
from pipeline.read.refused import Refused
from pipeline.read.unpack import DAMAGE, damage_reason
from pipeline.store.files import open_file

LOOK = 1 << 16  # bytes of the content that usually tell
LONGEST = 8 << 20  # bytes of a first line that is waited for
ODD = 0.1  # share of characters that are no text from which on a file is binary (assumed)
NAMES = {"jsonl": "JSON lines", "parquet": "Parquet", "warc": "WARC", "wet": "WET"}  # the formats that are read
EMPTY = "empty"


class Unreadable(Exception):
    """A file that cannot be opened or unpacked; its text says why."""


class SmallReads:
    """A file that gives a few bytes at a time, so that its place tells how much of it was needed."""

    PIECE = 1 << 14

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.used = file, 0

    def read(self, size: int = -1) -> bytes:
        """At most PIECE bytes."""
        piece = self.file.read(self.PIECE if size < 0 else min(size, self.PIECE))
        self.used += len(piece)
        return piece

    def __enter__(self) -> "SmallReads":
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def format_of(file: FileAt) -> str:
    """One of NAMES, or what else the file is: `plain text`, `CSV`, `binary`, `packed as zip`, EMPTY and so on.

    Raises:
        Unreadable: it cannot be opened, or its packing is damaged.
    """
    try:
        with open_file(file.url) as opened:
            start = opened.read(4)
            if start == b"PAR1":
                return "parquet"
            if not start:
                return EMPTY
            opened.seek(0)
            return _of_content(opened, file.below.lower())
    except Refused as refused:
        return refused.reason.partition(",")[0].partition(":")[0]
    except DAMAGE as error:
        raise Unreadable(damage_reason(error)) from None
    except OSError as error:
        raise Unreadable(error.strerror or first_line(error)) from None
    except Exception as error:  # file systems raise what they like
        raise Unreadable(f"{type(error).__name__}: {first_line(error)}") from None


def _of_content(opened: BinaryIO, name: str) -> str:
    head = b""
    for piece in content_of(opened):
        head += piece
        if len(head) >= LOOK and (b"\n" in head.strip()[:LOOK] or len(head) > LONGEST or not _opens_json(head)):
            break
    if head.startswith((b"WARC/1.", b"WARC/0.")):
        return _kind_of_warc(head, name)
    text = _decoded(head)
    if text is None:
        return kind_of(head[:LOOK]) or "binary"
    kind = kind_of(text[:LOOK].encode())
    return kind.removeprefix("a ").removeprefix("an ") if kind else _kind_of_text(text.lstrip("\ufeff \t\r\n"), name)


def _decoded(head: bytes) -> str | None:
    """The first bytes as a text; None where they are none."""
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(head[:2])
    if wide:
        return head.decode(wide, "replace")
    text = head.decode("utf-8", "replace")
    odd = sum(letter == "\ufffd" or (letter < " " and letter not in "\t\n\r\f") for letter in text[:LOOK])
    return None if kind_of(head[:LOOK]) == "binary" or odd > ODD * len(text[:LOOK]) else text


def _opens_json(head: bytes) -> bool:
    return head[:100].lstrip(b"\xef\xbb\xbf \t\r\n\0").startswith(b"{")


def _kind_of_warc(head: bytes, name: str) -> str:
    """Common Crawl's extracted texts are WARC files of conversion records."""
    kinds = {line.partition(b":")[2].strip().lower() for line in head.splitlines() if line[:9].lower() == b"warc-type"}
    if b"conversion" in kinds or (not kinds & {b"response", b"resource"} and ".wet" in name):
        return "wet"
    return "warc"


def _kind_of_text(text: str, name: str) -> str:
    first, ended, _ = text.partition("\n")
    if first.startswith("["):
        return "JSON array"
    if first.startswith("{"):
        try:
            return "jsonl" if isinstance(json.loads(first, strict=False), dict) else "JSON"
        except RecursionError:
            return "jsonl"
        except ValueError:
            is_pretty = ended and len(first.strip()) < 3  # a lone bracket: one object over several lines
            return "JSON document" if is_pretty else "jsonl"
    for ending, kind in ((".csv", "CSV"), (".tsv", "TSV")):
        if ending in name:
            return kind
    return "plain text" if text else EMPTY
