"""Which local files a pattern means: as a shell's, with ** for folders at any depth, links to folders followed.

Names that begin with a dot are met only by patterns that do: they are what other programs hide or leave behind.
"""

import fnmatch
import os
import re
from collections.abc import Iterator

MAGIC = re.compile(r"[*?[]")
ANY_DEPTH = "**"


def matching_files(root: str, pattern: str) -> list[str]:
    """Paths below a folder of the files that a pattern matches, sorted; links that lead nowhere are among them.

    A part that is there as it is written is meant literally, even with brackets.

    Raises:
        OSError: a folder cannot be read.
    """
    paths = set(_expand(root, "", [part for part in pattern.split("/") if part not in ("", ".")], {}))
    return sorted((path for path in paths if _is_file(os.path.join(root, path))), key=lambda path: path.split("/"))


def below_fixed(path: str, pattern: str) -> str:
    """A match's path without the folders of its pattern before the first that may be several: the same wherever those
    folders are. Both may be URLs.

    >>> below_fixed("/data/crawl/a/0.jsonl", "/data/crawl/*/*.jsonl")
    'a/0.jsonl'
    """
    folders = [part for part in _plain(pattern).split("/") if part not in ("", ".")][:-1]
    fixed = next((number for number, folder in enumerate(folders) if MAGIC.search(folder)), len(folders))
    return _plain(path).removeprefix("".join(f"{folder}/" for folder in folders[:fixed]))


def _plain(path: str) -> str:
    """A path, or a URL's without its query, that begins with the first folder or host."""
    return path.partition("://")[2].partition("?")[0].lstrip("/") if "://" in path else path.lstrip("/")


def _expand(root: str, folder: str, parts: list[str], seen: dict[str, str]) -> Iterator[str]:
    """Paths below `folder` that match the parts; `seen` holds the folders that ** has entered."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    here = os.path.join(root, folder)
    literal = os.path.join(folder, part)
    if not MAGIC.search(part) or ("[" in part and os.path.lexists(os.path.join(root, literal))):
        if os.path.lexists(os.path.join(root, literal)):
            yield from _expand(root, literal, rest, seen)
    elif part == ANY_DEPTH:
        yield from _expand(root, folder, rest or ["*"], seen)
        if (
            seen.setdefault(os.path.realpath(here), folder) == folder
        ):  # a link may lead back, or to a folder met already
            for name in _names(here, "*"):
                if os.path.isdir(os.path.join(here, name)):
                    yield from _expand(root, os.path.join(folder, name), parts, seen)
    elif os.path.isdir(here):
        for name in _names(here, part):
            yield from _expand(root, os.path.join(folder, name), rest, seen)


def _names(folder: str, pattern: str) -> list[str]:
    """Names in a folder, those of real ones first, so that links to what is met anyway add nothing."""
    with os.scandir(folder) as entries:
        matches = [
            (entry.is_symlink(), entry.name)
            for entry in entries
            if fnmatch.fnmatchcase(entry.name, pattern) and (pattern.startswith(".") or not entry.name.startswith("."))
        ]
    return [name for _, name in sorted(matches)]


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))
