"""One source: its format, by the first bytes of a few files, its data files, and the pattern of its path."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from flows.errors import ExperimentError
from flows.new.patterns import ending_of, last_part, pattern_of, source_name
from pipeline.look.formats import EMPTY, NAMES, Unreadable, format_of
from pipeline.look.listing import FileAt, Listing
from pipeline.read.sources import Format

ASIDE = re.compile(  # files that lie beside data and are none
    r"(readme|license|licence|copying|notice|changelog|citation|authors|dataset_infos?|checksums?|sha\d+sums?|md5sums?"
    r"|_success|_metadata|_common_metadata)\b.*|.*\.(md|rst|ya?ml|toml|md5|sha\d+|crc|log|lock|cdxj?|py|sh|bib)",
    re.IGNORECASE,
)
LOOKED_AT = 3  # files of one ending whose first bytes are read


@dataclass(frozen=True)
class Named:
    """A source before anything but its files' first bytes was read."""

    name: str
    where: str  # what a person calls it
    path: str  # of the experiment's source: a file, a URL or a pattern, relative to the present folder
    format: Format
    files: tuple[FileAt, ...]


def source_of(name: str | None, listing: Listing, files: Sequence[FileAt] | None, notes: list[str]) -> Named:
    """One source: the files of one format, and a pattern that means these and no others."""
    where, chosen = listing.where, files if files is not None else listing.files
    by_ending: dict[str, list[FileAt]] = {}
    aside = []
    for file in chosen:
        base = file.below.rpartition("/")[2]
        if listing.is_folder and ASIDE.fullmatch(base):
            aside.append(base)
        else:
            by_ending.setdefault(ending_of(base).lower(), []).append(file)
    by_format = _by_format(by_ending)
    empty = by_format.pop(EMPTY, [])
    if not by_format:
        what = "all its files are empty" if empty else "it holds no file" if not aside else f"it holds {aside[0]} alone"
        raise ExperimentError(f"{where}: {what} — name a folder with JSON lines, Parquet, WARC or WET files")
    if len(by_format) > 1:
        raise ExperimentError(_several(listing, by_format))
    kind, data = next(iter(by_format.items()))
    if kind not in NAMES:
        raise ExperimentError(f"{where}: {_unread(kind)}")
    if aside:
        notes.append(f"Left out of {where}: {', '.join(aside[:3])}{' and more' if len(aside) > 3 else ''}.")
    return Named(
        source_name(name or last_part(listing)), where, pattern_of(listing, data), cast(Format, kind), tuple(data)
    )


def _by_format(by_ending: dict[str, list[FileAt]]) -> dict[str, list[FileAt]]:
    """Format → files; a few files of each ending tell it for all of that ending."""
    formats: dict[str, list[FileAt]] = {}
    for files in by_ending.values():
        holding = [file for file in files if file.size != 0] or files
        seen = {format_at(file) for file in holding[:: max(1, len(holding) // LOOKED_AT)][:LOOKED_AT]} - {EMPTY}
        if len(seen) <= 1:
            formats.setdefault(next(iter(seen), EMPTY), []).extend(files)
        else:
            for file in files[:1_000]:
                formats.setdefault(format_at(file), []).append(file)
    return formats


def _several(listing: Listing, by_format: dict[str, list[FileAt]]) -> str:
    counts = ", ".join(f"{len(files)} {NAMES.get(kind, kind)}" for kind, files in by_format.items())
    read = {kind: files for kind, files in by_format.items() if kind in NAMES}
    line = f"{listing.where}: holds files of {len(by_format)} formats ({counts}), and a source has one"
    if not read:
        return f"{line}; none of them is read — write JSON lines, one object per line with a field 'text'"
    try:
        patterns = " ".join(f"'{pattern_of(listing, files)}'" for files in read.values())
    except ExperimentError:
        return f"{line} — move each format into a folder of its own"
    which = "each format" if len(read) == len(by_format) else "the files that can be read"
    return f"{line} — name {which} by a pattern: mixwright new {patterns}"


def _unread(kind: str) -> str:
    if kind == "JSON array":
        return "holds a JSON array, not JSON lines — write one object per line (jq -c '.[]' does)"
    if kind in ("JSON document", "JSON"):
        return "holds JSON that is not one object per line — write JSON lines (jq -c . does)"
    if kind == "binary":
        return (
            "holds binary files, which are not read — give JSON lines, Parquet, WARC or WET (for token ids write the "
            "source by hand, with format: tokens)"
        )
    if kind.startswith("packed"):
        return f"holds files {kind}, which are not read — unpack them, or repack with gzip or zstd"
    return f"holds {kind}, which is not read — write JSON lines, one object per line with a field 'text'"


def format_at(file: FileAt) -> str:
    """What a file holds.

    Raises:
        ExperimentError: it cannot be read.
    """
    try:
        return format_of(file)
    except Unreadable as error:
        raise ExperimentError(f"{file.url}: cannot be read ({error}) — mend it, or name other files") from None
