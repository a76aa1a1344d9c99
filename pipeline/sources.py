"""The `sources:` section: named inputs, their shards, and which steps they take."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import PipelineError


class SourceSettings(BaseModel):
    """One named input: files of one format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """A glob of files, relative to the experiment file."""
    format: Literal["warc", "jsonl"]
    """`warc` (.warc, .warc.gz) or `jsonl` (Dolma's fields; .jsonl, .gz, .zst)."""
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
    format: Literal["warc", "jsonl"]
    filters: bool


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
        shards += [Shard(source=name, path=file, format=source.format, filters=source.filters) for file in files]
    return shards
