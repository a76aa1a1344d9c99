"""Bytes that deleting folders frees: a file with several names is counted once, and only where all its names go."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path


def freed_by(folders: Iterable[Path]) -> dict[Path, int]:
    """Folder (or file) → bytes that deleting all of them together frees; a linked file counts where it comes first."""
    links: dict[tuple[int, int], int] = {}  # (device, file) → names that are left
    first: dict[tuple[int, int], tuple[Path, int]] = {}
    freed = {}
    for folder in folders:
        freed[folder] = 0
        for stat in _files(folder):
            key = (stat.st_dev, stat.st_ino)
            links[key] = links.get(key, stat.st_nlink) - 1
            place, size = first.setdefault(key, (folder, stat.st_size))
            if links[key] == 0:
                freed[place] += size
    return freed


def bytes_of(folders: Iterable[Path]) -> int:
    """Bytes that folders hold together; a file with several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for folder in folders:
        seen |= {(stat.st_dev, stat.st_ino): stat.st_size for stat in _files(folder)}
    return sum(seen.values())


def _files(folder: Path) -> Iterator[os.stat_result]:
    """Of every file below; those that go meanwhile are passed over."""
    if not folder.is_dir():
        yield folder.lstat()
        return
    for parent, _folders, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(parent, name))
            except FileNotFoundError:
                continue
