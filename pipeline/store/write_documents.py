"""The step that ends a pipeline by writing its documents."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.store.documents import SCHEMA, content_hash, write_rows
from pipeline.store.files import rank_file
from pipeline.store.funnel import text_bytes


class WriteDocuments(PipelineStep):
    """Ends a pipeline: `documents/<rank>.parquet`, with each text's content hash."""

    type = "mixwright"
    name = "write"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Consume all documents; yields none."""
        write_rows(map(_row, data), SCHEMA, rank_file(self.folder / "documents", rank))
        return iter(())


def attributes_json(attributes: dict[str, Any]) -> str:
    """Attributes as JSON, where what is no number is null."""
    try:
        return json.dumps(attributes, sort_keys=True, default=str, allow_nan=False)
    except ValueError:
        numbers = json.loads(json.dumps(attributes, default=str), parse_constant=lambda _: None)
        return json.dumps(numbers, sort_keys=True)


def _row(document: Document) -> dict:
    meta = document.metadata
    return {
        "id": document.id,
        "source": meta["source"],
        "url": meta["url"],
        "date": meta["date"],
        "hash": content_hash(document.text),
        "license": meta.get("license", ""),
        "domain": meta.get("domain", ""),
        "bytes": text_bytes(document.text),
        "attributes": attributes_json(meta.get("attributes", {})),
        "text": document.text,
    }
