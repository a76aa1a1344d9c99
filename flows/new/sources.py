"""From what is named on the command line to sources: their names, files and formats, and the pattern of each path.

One source per path. One folder whose subfolders hold data makes a source of each subfolder; one whose files are called
in several ways (wiki.jsonl, code.jsonl) makes a source of each name, numbers left out of account.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from flows.errors import ExperimentError
from flows.experiment import SOURCE_NAME
from flows.new.one_source import ASIDE, Named, format_at, source_of
from flows.new.patterns import stem
from pipeline.look.listing import FileAt, Listing, list_files
from pipeline.store.globs import MAGIC

MOST_SOURCES = 40


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
        sources = [source_of(name, listing, listing.files, notes) for name, listing in _joined(listings)]
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
            together.setdefault((folder, stem(base)), []).append(listing)
    for (folder, called), shards in together.items():
        if len(shards) == 1:
            rest.append((None, shards[0]))
            continue
        given = {listing.files[0].url for listing in shards}
        whole = list_files(folder or ".")
        files = tuple(file for file in whole.files if os.path.normpath(file.url) in map(os.path.normpath, given))
        rest.append((called or None, Listing(folder or ".", whole.root, True, files)))
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
    if not name and len(inner) > 1 and len({stem(group) for group in inner}) > 1:
        if len(inner) > MOST_SOURCES:
            raise ExperimentError(
                f"{where}: has {len(inner)} subfolders with files, more than {MOST_SOURCES} sources — "
                "name the folders to use"
            )
        notes.append(f"{where} has {len(inner)} subfolders with data, so each of them is a source.")
        found = [source_of(None, list_files(f"{where}/{group}"), None, notes) for group in inner]
        if loose:
            notes.append(f"The {len(loose)} files beside these subfolders are a source of their own.")
            found.append(source_of(None, listing, tuple(loose), notes))
        return found
    by_stem: dict[str, list[FileAt]] = {}
    for file in loose:
        by_stem.setdefault(stem(file.below), []).append(file)
    firsts = [files[0] for files in by_stem.values()]
    if not name and not inner and 1 < len(by_stem) <= MOST_SOURCES and len({format_at(file) for file in firsts}) == 1:
        notes.append(f"The files of {where} have {len(by_stem)} names, numbers aside, so each name is a source.")
        return [source_of(called or None, listing, tuple(files), notes) for called, files in sorted(by_stem.items())]
    return [source_of(name, listing, listing.files, notes)]


def _subfolders(listing: Listing) -> dict[str, list[FileAt]]:
    """First folder of each file's path (empty for loose files) → files, without folders that hold no data."""
    groups: dict[str, list[FileAt]] = {}
    for file in listing.files:
        if not ASIDE.fullmatch(file.below.rpartition("/")[2]):
            groups.setdefault(file.below.partition("/")[0] if "/" in file.below else "", []).append(file)
    return groups


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
