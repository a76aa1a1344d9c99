"""From what is named on the command line to sources: their names, files and formats, and the pattern of each path.

One source per path. One folder whose subfolders hold data makes a source of each subfolder; one whose files are called
in several ways (wiki.jsonl, code.jsonl) makes a source of each name, numbers left out of account.
"""

import fnmatch
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import cast

from flows.errors import ExperimentError
from flows.experiment import LONGEST_SOURCE, SOURCE_NAME
from pipeline.look.formats import EMPTY, NAMES, Unreadable, format_of
from pipeline.look.listing import FileAt, Listing, list_files
from pipeline.read.sources import Format
from pipeline.store.globs import MAGIC

MOST_SOURCES = 40
PACKED = ("gz", "zst", "zstd", "bz2", "xz", "lz4", "gzip")
ASIDE = re.compile(  # files that lie beside data and are none
    r"(readme|license|licence|copying|notice|changelog|citation|authors|dataset_infos?|checksums?|sha\d+sums?|md5sums?"
    r"|_success|_metadata|_common_metadata)\b.*|.*\.(md|rst|ya?ml|toml|md5|sha\d+|crc|log|lock|cdxj?|py|sh|bib)",
    re.IGNORECASE,
)
LOOKED_AT = 3  # files of one ending whose first bytes are read
NUMBERS = re.compile(r"([-_.]?(of|part|shard|split|chunk)?[-_.]?\d+)+", re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """A source before anything but its files' first bytes was read."""

    name: str
    where: str  # what a person calls it
    path: str  # of the experiment's source: a file, a URL or a pattern, relative to the present folder
    format: Format
    files: tuple[FileAt, ...]


@dataclass(frozen=True)
class Found:
    """All sources, and what was decided to get to them."""

    sources: tuple[Named, ...]
    notes: tuple[str, ...]


def find_sources(paths: Sequence[str]) -> Found:
    """The sources that paths, as `NAME=PATH` or alone, mean.

    Raises:
        ExperimentError: a path holds no data or data of several formats, or two sources would be one.
        PipelineError: a path is not there or cannot be read.
    """
    notes: list[str] = []
    named = [_split_name(path) for path in paths]
    listings = [(name, list_files(path)) for name, path in named]
    sources: list[Named] = []
    if len(listings) == 1 and listings[0][1].is_folder:
        sources = _of_one_folder(*listings[0], notes)
    else:
        sources = [_source(name, listing, listing.files, notes) for name, listing in _joined(listings)]
    _check_apart(sources)
    return Found(tuple(sources), tuple(notes))


def _split_name(path: str) -> tuple[str | None, str]:
    name, equals, rest = path.partition("=")
    if equals and rest and not os.path.lexists(path) and SOURCE_NAME.fullmatch(name):
        return name, rest
    return None, path


def _joined(listings: list[tuple[str | None, Listing]]) -> list[tuple[str | None, Listing]]:
    """Files of one folder whose names differ by numbers alone, as a shell makes of *.jsonl, joined to one listing."""
    together: dict[tuple[str, str], list[Listing]] = {}
    rest: list[tuple[str | None, Listing]] = []
    for name, listing in listings:
        if name or listing.is_folder or MAGIC.search(listing.where) or len(listing.files) != 1:
            rest.append((name, listing))
        else:
            folder, _, base = listing.where.rpartition("/")
            together.setdefault((folder, _stem(base)), []).append(listing)
    for (folder, _), shards in together.items():
        if len(shards) == 1:
            rest.append((None, shards[0]))
            continue
        given = {listing.files[0].url for listing in shards}
        whole = list_files(folder or ".")
        files = tuple(file for file in whole.files if os.path.normpath(file.url) in map(os.path.normpath, given))
        rest.append((None, Listing(folder or ".", whole.root, True, files)))
    order = {listing.where: number for number, (_, listing) in enumerate(listings)}
    return sorted(rest, key=lambda pair: order.get(pair[1].where, len(order)))


def _of_one_folder(name: str | None, listing: Listing, notes: list[str]) -> list[Named]:
    """One folder: its subfolders' data, its differently named files, or all of it."""
    groups = _subfolders(listing)
    while len(groups) == 1 and "" not in groups and not name:
        listing = list_files(f"{listing.root}/{next(iter(groups))}")
        groups = _subfolders(listing)
    where = listing.root
    loose = [file for file in groups.get("", ()) if not ASIDE.fullmatch(file.below)]
    inner = sorted(group for group in groups if group)
    if not name and len(inner) > 1 and len({_stem(group) for group in inner}) > 1:
        if len(inner) > MOST_SOURCES:
            raise ExperimentError(
                f"{where}: has {len(inner)} subfolders with files, more than the {MOST_SOURCES} sources that can be made — "
                "name the folders to use"
            )
        notes.append(f"{where} has {len(inner)} subfolders with data, so each of them is a source.")
        found = [_source(None, list_files(f"{where}/{group}"), None, notes) for group in inner]
        if loose:
            notes.append(f"The {len(loose)} files beside these subfolders are a source of their own.")
            found.append(_source(None, listing, tuple(loose), notes))
        return found
    by_stem: dict[str, list[FileAt]] = {}
    for file in loose:
        by_stem.setdefault(_stem(file.below), []).append(file)
    if not name and not inner and 1 < len(by_stem) <= MOST_SOURCES and len({_format(file) for file in loose}) == 1:
        notes.append(f"The files of {where} have {len(by_stem)} names, numbers aside, so each name is a source.")
        return [_source(stem or None, listing, tuple(files), notes) for stem, files in sorted(by_stem.items())]
    return [_source(name, listing, listing.files, notes)]


def _subfolders(listing: Listing) -> dict[str, list[FileAt]]:
    """First folder of each file's path (empty for loose files) → files, without folders that hold no data."""
    groups: dict[str, list[FileAt]] = {}
    for file in listing.files:
        if not ASIDE.fullmatch(file.below.rpartition("/")[2]):
            groups.setdefault(file.below.partition("/")[0] if "/" in file.below else "", []).append(file)
    return groups


def _stem(name: str) -> str:
    """A file's or folder's name without its ending and its numbers: what its shards have in common."""
    return NUMBERS.sub("", name.partition(".")[0] or name).strip("-_. ")


def _ending(name: str) -> str:
    """`.jsonl.gz` of `a.jsonl.gz`, `.jsonl` of `a-1.2.jsonl`, nothing of `part-0001`."""
    parts = name.split(".")
    if len(parts) > 2 and parts[-1].lower() in PACKED and not parts[-2].isdigit():
        return f".{parts[-2]}.{parts[-1]}"
    return f".{parts[-1]}" if len(parts) > 1 and not parts[-1].isdigit() else ""


def _format(file: FileAt) -> str:
    try:
        return format_of(file)
    except Unreadable as error:
        raise ExperimentError(f"{file.url}: cannot be read ({error}) — mend it, or name other files") from None


def _source(name: str | None, listing: Listing, files: Sequence[FileAt] | None, notes: list[str]) -> Named:
    """One source: the files of one format, and a pattern that means these and no others."""
    where, chosen = listing.where, files if files is not None else listing.files
    by_ending: dict[str, list[FileAt]] = {}
    aside = []
    for file in chosen:
        base = file.below.rpartition("/")[2]
        if listing.is_folder and ASIDE.fullmatch(base):
            aside.append(base)
        else:
            by_ending.setdefault(_ending(base).lower(), []).append(file)
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
        _source_name(name or _last_part(listing)), where, pattern_of(listing, data), cast(Format, kind), tuple(data)
    )


def _by_format(by_ending: dict[str, list[FileAt]]) -> dict[str, list[FileAt]]:
    """Format → files; a few files of each ending tell it for all of that ending."""
    formats: dict[str, list[FileAt]] = {}
    for files in by_ending.values():
        holding = [file for file in files if file.size != 0] or files
        seen = {_format(file) for file in holding[:: max(1, len(holding) // LOOKED_AT)][:LOOKED_AT]} - {EMPTY}
        if len(seen) <= 1:
            formats.setdefault(next(iter(seen), EMPTY), []).extend(files)
        else:
            for file in files[:1_000]:
                formats.setdefault(_format(file), []).append(file)
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
    return f"{line} — name each format by a pattern: mixwright new {patterns}"


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


def pattern_of(listing: Listing, files: Sequence[FileAt]) -> str:
    """The path of a source that means these files of a listing and no others.

    Raises:
        ExperimentError: no pattern does.
    """
    if not listing.is_folder:
        return listing.where
    chosen = {file.below for file in files}
    if len(chosen) == 1:
        return f"{listing.root}/{next(iter(chosen))}"
    bases = [below.rpartition("/")[2] for below in chosen]
    endings = Counter(_ending(base) for base in bases)
    ending = endings.most_common(1)[0][0]
    low, high = min(bases), max(bases)  # what these begin with, all do
    prefix = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    prefix = prefix.rstrip("0123456789")
    first = f"*{ending.rpartition('.')[0] if ending.count('.') > 1 else ending}*" if ending else "*"
    names = [f"*{ending}", first, f"{prefix}*{ending}", f"{prefix}{first}", f"{prefix}*", "*"]
    folder = "" if all("/" not in below for below in chosen) else "**/"
    for name in names:
        met = {
            file.below for file in listing.files
            if fnmatch.fnmatchcase(file.below.rpartition("/")[2], name) and (folder or "/" not in file.below)
        }  # fmt: skip
        if met == chosen:
            return f"{listing.root}/{folder}{name}".removeprefix("./")
    raise ExperimentError(
        f"{listing.where}: no pattern means its {len(chosen)} data files alone — move them into a folder of their own"
    )


def _last_part(listing: Listing) -> str:
    """The last part of a path that is a name and no pattern, without its ending."""
    where = os.path.abspath(listing.root) if "://" not in listing.root else listing.root.partition("?")[0]
    parts = [part for part in where.split("/") if part]
    plain = [part for part in parts if not MAGIC.search(part)] or parts
    last = plain[-1] if plain else "source"
    return last if listing.is_folder or MAGIC.search(listing.root) else last.partition(".")[0] or last


def _source_name(text: str) -> str:
    """The nearest name that a source may have."""
    name = re.sub(r"[^\w.+#-]+", "_", text)
    name = re.sub(r"^[\W_]+", "", name)[:LONGEST_SOURCE].rstrip("_")
    return name or "source"


def _check_apart(sources: Sequence[Named]) -> None:
    """See that no two sources have one name, or one file."""
    names: dict[str, Named] = {}
    owners: dict[str, Named] = {}
    for source in sources:
        other = names.setdefault(source.name, source)
        if other is not source:
            same = "is named twice — name it once" if other.where == source.where else (
                f"and {other.where} would both be source {source.name!r} — give one a name, as "
                f"other={source.where}"
            )  # fmt: skip
            raise ExperimentError(f"{source.where}: {same}")
        for file in source.files:
            place = file.url if "://" in file.url else os.path.abspath(file.url)
            if owners.setdefault(place, source) is not source:
                raise ExperimentError(
                    f"{source.where}: its file {file.url} is in source {owners[place].name!r} too — name folders that "
                    "do not lie in one another"
                )
