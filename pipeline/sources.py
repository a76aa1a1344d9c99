"""The `sources:` section: named inputs, their shards, and which steps they take."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import PipelineError

Format = Literal["warc", "wet", "jsonl", "parquet"]


class Fields(BaseModel):
    """Where a JSONL or Parquet record keeps what a document needs; a dot steps into an object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = "text"
    """The text; a record without it is refused."""
    id: str = "id"
    """The record's own name, part of the document's id."""
    date: str = "created"
    """When it was written or crawled."""
    url: str = "metadata.url"
    """Where it came from."""


class SourceSettings(BaseModel):
    """One named input: files of one format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """A glob of files, relative to the experiment file."""
    format: Format
    """`warc` (HTML responses) or `wet` (Common Crawl's extracted text), plain or gzipped by record; `jsonl`
    (.jsonl, .gz, .zst); `parquet`."""
    fields: Fields = Fields()
    """Field names of JSONL and Parquet; Dolma's by default."""
    filters: bool = True
    """Whether heuristics and the language filter apply; off for sources that are already clean, or not prose."""
    quality: bool = False
    """Whether the quality classifier's score means something here (prose); else one bucket."""
    topics: bool = False
    """Whether the source is split into domains by topic."""
    full_tokens: int | None = Field(None, gt=0)
    """Tokens of the full corpus that this source is a sample of; epochs are counted against it."""


class Shard(BaseModel):
    """One file of a source."""

    model_config = ConfigDict(frozen=True)

    source: str
    path: Path
    format: Format
    filters: bool
    fields: Fields = Fields()


def find_shards(sources: dict[str, SourceSettings], base: Path) -> list[Shard]:
    """Every source's files, in order of source and name.

    Raises:
        PipelineError: a source's path matches no file.
    """
    shards = []
    for name, source in sorted(sources.items()):
        pattern = Path(source.path)
        root, glob = (
            (Path(pattern.anchor), pattern.relative_to(pattern.anchor)) if pattern.is_absolute() else (base, pattern)
        )
        files = sorted(file for file in root.glob(str(glob)) if file.is_file())
        if not files:
            raise PipelineError(f"sources.{name}.path: no file matches {source.path!r} (looked under {root.resolve()})")
        taken = {"source": name, "format": source.format, "filters": source.filters, "fields": source.fields}
        shards += [Shard(path=file, **taken) for file in files]
    return shards
