"""A few records of a source's files: bounded in bytes, records, files and seconds, whatever the source holds."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, cast

import orjson
from pydantic import PrivateAttr

from pipeline.look.formats import SmallReads, Unreadable
from pipeline.look.listing import FileAt, first_line
from pipeline.read.refused import Refused
from pipeline.read.sources import Format, Shard
from pipeline.read.unpack import DAMAGE, damage_reason
from pipeline.store.files import open_file

MOST_FILES = 6  # of a source, evenly over its list
MOST_BYTES = 1 << 21  # of a file's content
MOST_RECORDS = 1_000  # of a file of records
MOST_ROWS = 100  # of a Parquet file, whose rows may be wide
MOST_PAGES = 30  # of a file of pages
LONGEST_RECORD = 16 << 20  # bytes
SECONDS = 3.0  # for a source, after which no further file is opened


@dataclass(frozen=True)
class Sample:
    """Records of some of a source's files."""

    rows: list[dict[str, Any]]  # of pages: url and text
    refused: int  # records that were none
    reason: str  # why the last of these was refused, or a file could not be read
    used: int  # bytes of the files that held these records; 0 where the formats tell more
    total: int | None  # documents of the sampled files, where they say it
    of_bytes: int  # size of these files


def sample_files(files: Sequence[FileAt], kind: Format) -> Sample:
    """Records of some of the files.

    Raises:
        PipelineError: the extractor cannot be run.
    """
    parts: list[Sample] = []
    began = time.monotonic()
    step = max(1, len(files) // MOST_FILES)
    for file in files[::step][:MOST_FILES]:
        try:
            parts.append(_READ[kind](file))
        except Unreadable as error:
            parts.append(Sample([], 0, str(error), 0, None, 0))
        if time.monotonic() - began > SECONDS:
            break
    totals = [part.total for part in parts if part.rows]
    return Sample(
        [row for part in parts for row in part.rows],
        sum(part.refused for part in parts),
        next((part.reason for part in parts if part.reason), ""),
        sum(part.used for part in parts),
        None if None in totals else sum(total or 0 for total in totals),
        sum(part.of_bytes for part in parts if part.rows),
    )


def _records(file: FileAt) -> Sample:
    """The first records of a file of JSON lines."""
    from pipeline.read.lines import lines_of

    rows: list[dict[str, Any]] = []
    refused, reason, offset, at_end = 0, "", 0, True
    with SmallReads(_opened(file)) as small:
        try:
            for offset, line in lines_of(cast(BinaryIO, small), LONGEST_RECORD):
                if offset > MOST_BYTES or len(rows) == MOST_RECORDS:
                    at_end = False
                    break
                if line is not None and not line.strip():
                    continue
                row = _parsed(line)
                if isinstance(row, dict):
                    rows.append(row)
                else:
                    refused, reason = refused + 1, row
        except Refused as error:
            reason = error.reason
        except DAMAGE as error:
            reason = damage_reason(error)
        except Exception as error:  # a file system raises what it likes
            raise Unreadable(f"{type(error).__name__}: {first_line(error)}") from None
    used = max(small.used, file.size or 0) if at_end and not reason else small.used
    return Sample(rows, refused, reason, used, None, file.size or small.used)


def _parsed(line: bytes | None) -> dict[str, Any] | str:
    """A line's object, or why it is none."""
    import json

    if line is None:
        return f"a line of more than {LONGEST_RECORD >> 20} MB"
    try:
        row = orjson.loads(line)
    except ValueError:
        try:
            row = json.loads(line.decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError):
            return "not JSON"
    return row if isinstance(row, dict) else "not an object"


def _rows(file: FileAt) -> Sample:
    """The first rows of a Parquet file."""
    import pyarrow.parquet as pq

    from pipeline.read.parquet import rows_of

    try:
        with _opened(file) as opened, pq.ParquetFile(opened) as table:
            batch = next(table.iter_batches(batch_size=MOST_ROWS), None)
            rows = [] if batch is None else [_readable(row) for row in rows_of(batch)]
            total = table.metadata.num_rows
    except Unreadable:
        raise
    except Exception as error:  # pyarrow and file systems raise what they like
        raise Unreadable(f"damaged Parquet ({first_line(error)})") from None
    return Sample(rows, 0, "", 0, total, file.size or 0)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose bytes are texts where they can be."""
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value for name, value in row.items()
    }


class _Watched(Shard):
    """A shard that tells how much of its file was read."""

    _reads: list[SmallReads] = PrivateAttr(default_factory=list)

    def open(self) -> BinaryIO:
        """Its content, a little at a time."""
        self._reads.append(SmallReads(open_file(self.url)))
        return cast(BinaryIO, self._reads[-1])

    @property
    def used(self) -> int:
        """Bytes that were read."""
        return sum(read.used for read in self._reads)


def _pages(file: FileAt, kind: Format) -> Sample:
    """The first pages of a WARC file, as the text that is extracted from them; or texts of a WET file."""
    import tempfile
    from pathlib import Path

    from pipeline.read.extract import ExtractText
    from pipeline.read.readers import READERS

    shard = _Watched(source="seen", url=file.url, format=kind)
    rows: list[dict[str, Any]] = []
    refused, reason = 0, ""
    with tempfile.TemporaryDirectory() as folder:
        step = ExtractText(Path(folder))
        documents = []
        for document in islice(READERS[kind](shard, LONGEST_RECORD), 20 * MOST_PAGES):
            if isinstance(document, Refused):
                refused, reason = refused + 1, document.reason
                continue
            document.metadata["source"] = "seen"
            documents.append(document)
            if len(documents) == MOST_PAGES:
                break
        for document in step.run(iter(documents)):
            rows.append({"url": document.metadata["url"], "text": document.text})
    return Sample(rows, refused, reason, shard.used, None, file.size or shard.used)


def _opened(file: FileAt) -> BinaryIO:
    try:
        return open_file(file.url)
    except Exception as error:  # a file system raises what it likes
        raise Unreadable(getattr(error, "strerror", None) or f"{type(error).__name__}: {first_line(error)}") from None


_READ = {
    "jsonl": _records,
    "parquet": _rows,
    "warc": lambda file: _pages(file, "warc"),
    "wet": lambda file: _pages(file, "wet"),
}
