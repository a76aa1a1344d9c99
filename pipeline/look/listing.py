"""Which files a folder, a file, a pattern or a URL means; names and sizes alone, and no more than MOST_FILES.

Names that begin with a dot are left out, as patterns leave them out.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.errors import PipelineError
from pipeline.store.files import is_remote, system_of
from pipeline.store.globs import MAGIC, matching_files

MOST_FILES = 200_000  # of one path; 100,000 are listed in a second (measured)
DEEPEST = 32  # folders in one another


@dataclass(frozen=True)
class FileAt:
    """One file: where it is, and its path below what was listed."""

    url: str  # or a local path
    below: str
    size: int | None  # bytes; None where its server does not tell


@dataclass(frozen=True)
class Listing:
    """The files of one path, in order of their paths."""

    where: str  # as it was given
    root: str  # the folder that `below` counts from; the path itself where it is one file or a pattern
    is_folder: bool
    files: tuple[FileAt, ...]


def list_files(where: str) -> Listing:
    """The files that a path or URL means.

    Raises:
        PipelineError: it is not there, cannot be read, is no file or folder, or means too many files.
    """
    try:
        return _remote(where) if is_remote(where) else _local(where)
    except PipelineError:
        raise
    except ImportError as error:  # fsspec says which package to install
        raise PipelineError(f"{where}: needs a driver that is not installed ({first_line(error)})") from None
    except FileNotFoundError:
        silent = ", or its server does not answer" if is_remote(where) else ""
        raise PipelineError(f"{where}: is not there{silent} — give a folder, a file, a pattern or a URL") from None
    except ValueError as error:
        raise PipelineError(f"{where}: {first_line(error)} — give a folder, a file, a pattern or a URL") from None
    except OSError as error:
        reason = error.strerror or f"{type(error).__name__}: {first_line(error)}"
        raise PipelineError(f"{where}: cannot be read ({reason}) — name another, or mend that") from None
    except Exception as error:  # file systems raise what they like
        raise PipelineError(f"{where}: cannot be read ({type(error).__name__}: {first_line(error)})") from None


def _local(where: str) -> Listing:
    if not os.path.lexists(where) and MAGIC.search(where):
        matches = matching_files("/" if where.startswith("/") else ".", where)
        paths = [f"/{match}" if where.startswith("/") else match for match in matches]
        sizes = ((path, os.stat(path)) for path in paths)
        files = tuple(FileAt(path, path, info.st_size) for path, info in sizes if stat.S_ISREG(info.st_mode))
        if not files:
            raise PipelineError(f"{where}: no file matches this pattern — give a folder, a file, a pattern or a URL")
        return Listing(where, where, False, files)
    info = os.stat(where)
    if stat.S_ISDIR(info.st_mode):
        return Listing(where, where.rstrip("/") or "/", True, _bounded(where, _walk(where, "", set())))
    if not stat.S_ISREG(info.st_mode):
        raise PipelineError(f"{where}: is a pipe, socket or device — give a folder, a file, a pattern or a URL")
    return Listing(where, where, False, (FileAt(where, where, info.st_size),))


def _walk(root: str, below: str, met: set[str], depth: int = 0) -> Iterator[FileAt]:
    """Regular files below a folder, each folder once: a link may lead back."""
    here = os.path.join(root, below)
    real = os.path.realpath(here)
    if real in met or depth > DEEPEST:
        return
    met.add(real)
    with os.scandir(here) as entries:
        ordered = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in ordered:
        path = os.path.join(below, entry.name)
        if entry.is_dir():
            yield from _walk(root, path, met, depth + 1)
        elif entry.is_file():
            yield FileAt(os.path.join(root, path), path, entry.stat().st_size)


def _remote(where: str) -> Listing:
    from fsspec.core import has_magic

    system, path = system_of(where)
    is_http = where.startswith("http")
    if not is_http and has_magic(path):
        matches = sorted(system.glob(path))
        if not matches:
            raise PipelineError(f"{where}: no file matches this pattern — give a folder, a file, a pattern or a URL")
        files = tuple(_known(system, match, match) for match in matches[:MOST_FILES])
        return Listing(where, where, False, files)
    if not is_http and system.isdir(path):
        root = path.rstrip("/")
        found = (
            FileAt(system.unstrip_protocol(name), name.removeprefix(f"{root}/"), info.get("size"))
            for name, info in _walk_remote(system, root)
        )
        return Listing(where, where.rstrip("/"), True, _bounded(where, found))
    return Listing(where, where, False, (FileAt(where, where, system.info(path).get("size")),))


def _walk_remote(system: Any, root: str) -> Iterator[tuple[str, dict]]:
    for _, _, files in system.walk(root, detail=True):
        for name, info in sorted(files.items()):
            if not name.startswith("."):
                yield info["name"], info


def _known(system: Any, path: str, below: str) -> FileAt:
    return FileAt(system.unstrip_protocol(path), below, system.info(path).get("size"))


def _bounded(where: str, files: Iterator[FileAt]) -> tuple[FileAt, ...]:
    listed = []
    for file in files:
        listed.append(file)
        if len(listed) > MOST_FILES:
            raise PipelineError(
                f"{where}: holds more than {MOST_FILES:,} files — name one of its folders, or a pattern"
            )
    return tuple(listed)


def first_line(error: Exception) -> str:
    """What an error says, as part of a line."""
    return (str(error).splitlines() or ["no reason given"])[0][:200]
