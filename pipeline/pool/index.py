"""Sources that are tokenised already: an index of their documents, and their way into the pool's token files.

The index is what labels are for texts: the pool's domains and its validation split are decided from both alike. What
works on text (filters, deduplication, decontamination, classifiers) passes these documents by.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from mixes.proxy.tokens import id_type
from pipeline.errors import PipelineError
from pipeline.label import label
from pipeline.pool.tokenise import write_tokens
from pipeline.read.sources import WIDTH, Shard
from pipeline.read.tokens import take_ids
from pipeline.store.documents import read_rows, write_rows
from pipeline.store.files import rank_file, rank_name
from pipeline.store.funnel import size
from pipeline.store.tokenizer import load_tokenizer, vocabulary_size

SCHEMA = pa.schema([*label.SCHEMA, ("offset", pa.int64()), ("tokens", pa.int64())])  # offset: bytes


class WriteIndex(PipelineStep):
    """Ends a pipeline: `labels/<rank>.parquet`, with each document's place in its shard."""

    type = "mixwright"
    name = "index"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Consume all documents; yields none."""
        write_rows(map(_row, data), SCHEMA, rank_file(self.folder / "labels", rank))
        return iter(())


def _row(document: Document) -> dict:
    meta = document.metadata
    labels = {"topic": None, "topic_score": None, "quality": None}
    place = {"offset": meta["offset"], "tokens": meta["tokens"]}
    return {"id": document.id, "source": meta["source"], "bytes": size(document), **labels, **place}


class CopyTokens(PipelineStep):
    """Rank r copies the indexed documents of shard r into token files, named as rank `first` + r of the stage."""

    type = "mixwright"
    name = "copy"

    def __init__(
        self, shards: list[Shard], indexed: Path, domains: Path, tokenizer: Path, first: int, folder: Path
    ) -> None:
        super().__init__()
        self.shards, self.indexed, self.domains = shards, indexed, domains
        self.tokenizer, self.first, self.folder = tokenizer, first, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes token files; yields nothing."""
        rows = read_rows(rank_file(self.indexed / "labels", rank))
        documents = _documents(self.shards[rank], rows)
        dtype = id_type(vocabulary_size(load_tokenizer(self.tokenizer)))
        write_tokens(documents, dtype, self.domains, self.folder, rank_name(self.first + rank))
        return iter(())


def _documents(shard: Shard, rows: Iterator[dict]) -> Iterator[tuple[dict, np.ndarray]]:
    """Rows of the index, in the shard's order, and the documents' ids, (tokens,).

    Raises:
        PipelineError: the shard is no longer what was indexed.
    """
    position, file = 0, None
    try:
        for row in rows:
            file = file or shard.open()  # a shard of which nothing was read may still be out of reach
            ids = take_ids(file, position, row["offset"], row["tokens"], shard.dtype)
            if len(ids) < row["tokens"] or row["id"] != shard.document_id(row["offset"], ""):
                raise EOFError
            position = row["offset"] + row["tokens"] * WIDTH[shard.dtype]
            yield row, ids
    except Exception as error:  # a file system raises what it likes
        raise PipelineError(
            f"sources.{shard.source}: {shard.name} cannot be read as it was indexed ({type(error).__name__}) — "
            "the same command goes on when it can"
        ) from None
    finally:
        if file:
            file.close()
