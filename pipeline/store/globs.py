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
    paths = set(_expand(root, "", [part for part in pattern.split("/") if part not in ("", ".")]))
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


def _expand(root: str, folder: str, parts: list[str]) -> Iterator[str]:
    """Paths below `folder` that match the parts."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    literal = os.path.join(folder, part)
    is_there = os.path.lexists(os.path.join(root, literal))
    if not MAGIC.search(part) or ("[" in part and is_there):
        if is_there:
            yield from _expand(root, literal, rest)
    elif part == ANY_DEPTH:
        for inner in _folders(root, folder):
            yield from _expand(root, inner, rest or ["*"])
    elif os.path.isdir(os.path.join(root, folder)):
        for name in _names(os.path.join(root, folder), part):
            yield from _expand(root, os.path.join(folder, name), rest)


def _folders(root: str, folder: str) -> list[str]:
    """A folder and all below it, each once: those that only links lead to come last, as a link may lead back."""
    met: dict[str, str] = {}  # what it really is → its path
    waiting: list[str] = [folder]
    links: list[str] = []
    while waiting or links:
        path = waiting.pop() if waiting else links.pop(0)
        here = os.path.join(root, path)
        if met.setdefault(os.path.realpath(here), path) != path or not os.path.isdir(here):
            continue
        for name in _names(here, "*"):
            inner = os.path.join(here, name)
            if os.path.isdir(inner):
                (links if os.path.islink(inner) else waiting).append(os.path.join(path, name))
    return sorted(met.values())


def _names(folder: str, pattern: str) -> list[str]:
    return sorted(
        name
        for name in os.listdir(folder)
        if fnmatch.fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
    )


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))
