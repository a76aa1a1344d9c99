"""The `sources:` section: named inputs, their shards, and which steps they take."""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mixes.show.secrets import masked_all
from pipeline.errors import PipelineError
from pipeline.read.lines import lines_of
from pipeline.store.files import base_name, expand, is_remote, open_file, system_of
from pipeline.store.globs import below_fixed, matching_files

Format = Literal["warc", "wet", "jsonl", "parquet", "tokens"]
IdType = Literal["uint16", "uint32"]
WIDTH = {"uint16": 2, "uint32": 4}  # bytes of an id
Step = Literal[
    "urls", "heuristics", "repetition", "c4", "fineweb", "language", "madlad", "modifiers", "pii",
    "exact_dedup", "near_dedup", "repeats", "decontaminate",
]  # fmt: skip
FILTERS: tuple[Step, ...] = (
    "urls", "heuristics", "repetition", "c4", "fineweb", "language", "madlad", "modifiers", "pii",
)  # fmt: skip
Extractor = Literal["blocks", "resiliparse", "trafilatura"]
TOKENS: Format = "tokens"
OF_TOKENS = {"tokenizer_sha256", "dtype"}  # fields of sources that are tokenised already
OF_ALL = {"path", "format", "prefix", "first", "sample", "full_tokens"}
LIST = re.compile(r"\.paths(\.\w+)?$", re.IGNORECASE)  # what the name of a list of shards ends in
MOST_SHARDS = 1_000_000_000
MOST_TOKENS = 10**18  # a thousand times what has ever been crawled (assumed)
MAX_LINE = 1 << 14  # bytes of a line of such a list
T = TypeVar("T")


class Fields(BaseModel):
    """Where a JSONL or Parquet record keeps what a document needs; a dot steps into an object."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    text: str = "text"
    """The text; a record without it is refused."""
    id: str = "id"
    """The record's own name, part of the document's id."""
    date: str = "created"
    """When it was written or crawled."""
    url: str = "metadata.url"
    """Where it came from."""
    license: str = "metadata.license"
    """The licence that it is published under."""
    domain: str | None = None
    """What names the document's domain, where the records say it."""


class SourceSettings(BaseModel):
    """One named input: files of one format."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str = Field(min_length=1)
    """A glob of files, relative to the experiment file, or a URL of s3://, https://, hf:// or anything else that fsspec
    opens; or (ending in .paths, packed or not, as Common Crawl's) a list of files, one per line, relative to `prefix`.
    `**` enters folders at any depth, links to folders too; names that begin with a dot must be asked for."""
    format: Format
    """`warc` (HTML responses and resources), `wet` (Common Crawl's extracted text) or `jsonl`, plain or packed with
    gzip, zstd, bzip2, xz or lz4, whatever their names end in; `parquet`; `tokens` (raw token ids without a header,
    little-endian, each document ended by `tokenizer.end`)."""
    prefix: str = "https://data.commoncrawl.org/"
    """What a list's lines follow: a URL, or a folder relative to the experiment file."""
    first: int | None = Field(None, ge=1, le=MOST_SHARDS)
    """Take only this many shards, the first ones."""
    sample: int | None = Field(None, ge=1, le=MOST_SHARDS)
    """Take only this many shards, drawn by the hashes of their paths: the same ones at every run."""
    fields: Fields = Fields()
    """Field names of JSONL and Parquet; Dolma's by default."""
    extractor: Extractor = "blocks"
    """What finds a page's main text: `blocks` (our own, by a table of points for each text block), `resiliparse` (twice
    as fast, keeps more menus and footers), or `trafilatura` (an extra, seven times slower)."""
    filters: bool = True
    """Whether the filters apply, from the URL block list to the masks. Switch them off for sources that are clean."""
    without: tuple[Step, ...] = ()
    """Steps that are not applied to this source: filters, rounds of deduplication, decontamination."""
    quality: bool = False
    """Whether documents are sorted into buckets by the quality classifier's score, which is made for prose; otherwise
    they are one bucket."""
    topics: bool = False
    """Whether the source is split into domains by topic."""
    full_tokens: int | None = Field(None, gt=0, le=MOST_TOKENS)
    """Tokens of the full corpus that this source is a sample of; epochs are counted against it."""
    tokenizer_sha256: str | None = Field(None, pattern="^[0-9a-fA-F]{64}$")
    """SHA-256 of the tokenizer.json that made the ids of `tokens`, which must be that of `tokenizer.path`."""
    dtype: IdType = "uint16"
    """Width of the ids of `tokens`."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What datatrove writes into the log of a stage."""
        yield from ((name, masked_all(value)) for name, value in super().__repr_args__())

    @property
    def steps_off(self) -> tuple[Step, ...]:
        """Every step that is not applied to this source, sorted."""
        return tuple(sorted({*self.without, *(() if self.filters else FILTERS)}))

    @model_validator(mode="after")
    def _one_way_to_take_a_part(self) -> "SourceSettings":
        if self.first and self.sample:
            raise ValueError("first and sample exclude each other — keep one")
        return self

    @model_validator(mode="after")
    def _what_its_format_takes(self) -> "SourceSettings":
        fields = type(self).model_fields
        given = {name for name, field in fields.items() if getattr(self, name) != field.get_default()}
        if self.format != TOKENS and (strange := given & OF_TOKENS):
            raise ValueError(f"{_names(strange)} is for format tokens alone — remove it")
        if self.format == TOKENS and (strange := given - OF_TOKENS - OF_ALL):
            raise ValueError(f"format tokens has no text and takes no {_names(strange)} — remove it")
        if self.format == TOKENS and not self.tokenizer_sha256:
            raise ValueError("tokenizer_sha256 is missing — give the SHA-256 of the tokenizer.json that made the ids")
        return self


class Shard(BaseModel):
    """One file of a source."""

    model_config = ConfigDict(frozen=True)

    source: str
    url: str  # or a local path
    format: Format
    off: tuple[Step, ...] = ()
    fields: Fields = Fields()
    extractor: Extractor = "blocks"
    dtype: IdType = "uint16"
    path: str = ""  # below the folders that the source's path names, or in its list; empty: the file's name alone
    attribute: str = ""  # a field that a classifier learns from, beside `fields`

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What datatrove writes into the log of a stage."""
        yield from ((name, masked_all(value)) for name, value in super().__repr_args__())

    @property
    def name(self) -> str:
        """The file's path below its source's folder: the same on every machine."""
        return self.path or base_name(self.url)

    @property
    def label(self) -> str:
        """How errors name it."""
        return f"{self.source}/{self.name}"

    def open(self) -> BinaryIO:
        """Its content as a stream; whatever the file system raises where that cannot be had."""
        return open_file(self.url)

    def document_id(self, offset: int, name: str) -> str:
        """Unique, and stable over machines: of the source, the file's path in it, the offset and the record's name."""
        return hashlib.sha256(f"{self.source}/{self.name}/{offset}/{name}".encode()).hexdigest()[:24]


def find_shards(sources: dict[str, SourceSettings], base: Path) -> list[Shard]:
    """Every source's shards, in order of source and path, those of a list in its order.

    Raises:
        PipelineError: a source's path or list names no file, or cannot be looked up.
    """
    shards = []
    for name, source in sorted(sources.items()):
        field = f"sources.{name}.path"
        files = _matches(field, source.path, base)
        listed = LIST.search(source.path)
        if listed:
            files = {path: url for list_at in files.values() for path, url in _listed(field, list_at, source, base)}
        taken = {"source": name, "off": source.steps_off, **source.model_dump(include={"format", "extractor", "dtype"})}
        shards += [
            Shard(
                url=files[path], path=path if listed else below_fixed(path, source.path), fields=source.fields, **taken
            )
            for path in _part(list(files), source)
        ]
    return shards


def _matches(field: str, pattern: str, base: Path) -> dict[str, str]:
    """Path → where it is, of the files that a source's path matches."""
    if is_remote(pattern):
        matches = {url: url for url in _ask(field, pattern, expand)}
        looked = ""
    else:
        absolute = pattern.startswith("/")
        root = "/" if absolute else str(base)
        files = _ask(field, pattern, lambda glob: matching_files(root, glob))
        matches = {f"/{file}" if absolute else file: str(Path(root) / file) for file in files}
        looked = f" (looked under {Path(root).resolve()})"
        if not matches and (Path(root) / pattern).is_dir():
            looked = f", which is a folder — name its files, as {pattern.rstrip('/')}/*"
    if not matches:
        raise PipelineError(f"{field}: no file matches {pattern!r}{looked}")
    return matches


def _listed(field: str, list_at: str, source: SourceSettings, base: Path) -> Iterator[tuple[str, str]]:
    """(path, where it is) of every line of a list."""
    lines = _ask(field, list_at, _read_list)
    prefix = source.prefix if is_remote(source.prefix) else str(base / source.prefix)
    _ask(field.replace(".path", ".prefix"), prefix, system_of)
    for path in lines:
        if path.startswith("/") or ".." in path.split("/") or is_remote(path):
            raise PipelineError(f"{field}: line {path[:100]!r} of {base_name(list_at)} leads out of the prefix")
        yield path, f"{prefix.rstrip('/')}/{path}"
    if not lines:
        raise PipelineError(f"{field}: the list {base_name(list_at)} names no file")


def _read_list(url: str) -> list[str]:
    with open_file(url) as file:
        lines = [line for _, line in lines_of(file, MAX_LINE)]
    if None in lines:
        raise ValueError("a line is too long for a path")
    return [text for line in lines if line and (text := line.decode("utf-8").strip())]


def _part(paths: list[str], source: SourceSettings) -> list[str]:
    """The paths that `first` or `sample` leaves, in their order."""
    if source.sample:
        by_hash = sorted(paths, key=lambda path: hashlib.sha256(path.encode()).hexdigest())
        drawn = set(by_hash[: source.sample])
        return [path for path in paths if path in drawn]
    return paths[: source.first]


def _ask(field: str, url: str, question: Callable[[str], T]) -> T:
    """A question to a file system, its errors in one line with the fix."""
    try:
        return question(url)
    except ImportError as error:  # fsspec says which package to install
        raise PipelineError(f"{field}: {url!r} needs a driver that is missing — {_line(error)}") from None
    except ValueError as error:
        raise PipelineError(f"{field}: {url!r}: {_line(error)} — give a path, or a URL that fsspec can open") from None
    except Exception as error:  # no connection, no right, damage: file systems raise what they like
        raise PipelineError(f"{field}: cannot read {url!r} ({type(error).__name__}: {_line(error)})") from None


def _names(fields: set[str]) -> str:
    return ", ".join(sorted(fields))


def _line(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0][:200]
