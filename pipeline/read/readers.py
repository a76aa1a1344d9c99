"""Reads WARC, WET, JSONL and Parquet shards; what cannot be read is a counted row with shard, offset and reason."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.read.jsonl import read_jsonl
from pipeline.read.parquet import read_parquet
from pipeline.read.refused import Refused, larger_than, unreadable
from pipeline.read.response import check_block, html_page
from pipeline.read.settings import MAX_DOCUMENT, STATUSES, ReadSettings
from pipeline.read.sources import Shard
from pipeline.read.warc import Record, warc_records
from pipeline.store.documents import KEPT, write_parquet
from pipeline.store.files import rank_file
from pipeline.store.funnel import Funnel, size

Reader = Callable[[Shard, int], Iterator[Document | Refused]]  # of a shard, and the most bytes of a document
__all__ = ["MAX_DOCUMENT", "READERS", "ReadSettings", "ReadShards", "Refused"]

PAGES = ("response", "resource")  # kinds of WARC records that are pages, where they are HTML
BESIDE_PAGES = ("revisit", "continuation")  # and that stand for one, or for a part
REFUSED = {
    "source": pl.String,
    "shard": pl.String,
    "offset": pl.Int64,  # bytes, or a Parquet row
    "reason": pl.String,
    "fatal": pl.Boolean,  # whether the rest of the shard was lost too
}


class ReadShards(PipelineStep):
    """Rank r reads shards r, r + world_size, …"""

    type = "mixwright"
    name = "read"

    def __init__(
        self,
        shards: list[Shard],
        folder: Path,
        settings: ReadSettings | None = None,
        readers: Mapping[str, Reader] | None = None,
    ) -> None:
        super().__init__()
        self.shards, self.folder, self.settings = shards, folder, settings or ReadSettings()
        self.readers = readers or {**READERS, "warc": partial(read_warc, statuses=self.settings.statuses)}

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield documents; pages carry their raw bytes in `metadata["raw"]` until they are extracted."""
        funnel = Funnel(self.name)
        refused = []
        for shard in self.shards[rank::world_size]:
            for document in _or_empty(self.readers[shard.format](shard, self.settings.max_page_bytes)):
                if isinstance(document, Refused):
                    funnel.count(shard.source, f"refused: {document.reason}", 0, 0)
                    refused.append((shard.source, shard.name, document.offset, document.reason, document.fatal))
                else:
                    document.metadata.update(source=shard.source, off=frozenset(shard.off), extractor=shard.extractor)
                    funnel.count(shard.source, KEPT, size(document), size(document))
                    yield document
        funnel.write(self.folder, rank)
        frame = pl.DataFrame(refused, schema=REFUSED, orient="row")
        write_parquet(frame, rank_file(self.folder / "refused", rank))


def _or_empty(documents: Iterator[Document | Refused]) -> Iterator[Document | Refused]:
    """A shard's documents and what was refused; a row too of a shard that holds neither."""
    first = next(documents, None)
    yield first if first is not None else Refused("no record", 0)
    yield from documents


def read_warc(
    shard: Shard, limit: int = MAX_DOCUMENT, statuses: Collection[int] = STATUSES
) -> Iterator[Document | Refused]:
    """HTML pages of a WARC file: responses of these statuses, and resources."""
    return _read_records(shard, PAGES, BESIDE_PAGES, limit, partial(_page, statuses=statuses))


def read_wet(shard: Shard, limit: int = MAX_DOCUMENT) -> Iterator[Document | Refused]:
    """Text that Common Crawl extracted: the conversion records of a WET file."""
    return _read_records(shard, ("conversion",), (), limit, _converted)


def _read_records(
    shard: Shard,
    kinds: Sequence[str],
    beside: Sequence[str],
    limit: int,
    content: Callable[[Record, int], tuple[str, dict[str, Any]]],
) -> Iterator[Document | Refused]:
    offset = 0
    try:
        with shard.open() as file:
            for record in warc_records(file, shard.name, kinds, beside, limit):
                offset = record.offset
                if isinstance(record, Refused):
                    yield record
                    continue
                try:
                    document = _from_record(shard, record, limit, content)
                except Refused as refused:
                    yield refused
                else:
                    yield document
    except Refused as refused:
        yield refused
    except Exception as error:  # a file system raises what it likes
        yield unreadable(error, offset)


def _from_record(
    shard: Shard, record: Record, limit: int, content: Callable[[Record, int], tuple[str, dict[str, Any]]]
) -> Document:
    address = record.headers.get("warc-target-uri", "")
    if not address:
        raise Refused("no target URI", record.offset)
    text, extra = content(record, limit)
    metadata = {
        "url": address.strip("<>"),  # some writers follow the first edition of the standard to the letter
        "date": record.headers.get("warc-date", ""),
        "license": "",
        **extra,
    }
    return Document(text=text, id=shard.document_id(record.offset, address), metadata=metadata)


def _page(record: Record, limit: int, statuses: Collection[int]) -> tuple[str, dict[str, Any]]:
    page = html_page(record, limit, statuses)
    return "", {"raw": page.body, "charset": page.charset}


def _converted(record: Record, limit: int) -> tuple[str, dict[str, Any]]:
    if record.block is None or len(record.block) > limit:
        raise Refused(larger_than(limit), record.offset)
    check_block(record)
    return record.block.decode("utf-8", "replace"), {}


READERS: dict[str, Reader] = {
    "warc": read_warc,
    "wet": read_wet,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}
