"""Stages are content-addressed folders: finished work is skipped, half-finished work is never seen.

A stage's folder is named by a hash of its settings, its inputs and its own version. Work happens in a hidden
folder beside it, which a killed run finds again; `stage.json` is written last and the folder renamed.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.store.files import base_name, fingerprint, is_remote

ASKED_AT_ONCE = 16  # requests to remote file systems

_looking = ContextVar("looking", default=False)


class Unfinished(PipelineError):
    """A stage that would have to be made first."""


@contextmanager
def looking() -> Iterator[None]:
    """Within it nothing is made and nothing is written: where a stage is not finished, `run_stage` raises
    `Unfinished`."""
    before = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(before)


@dataclass(frozen=True)
class Stage:
    """What decides a stage's output; `version` is raised when the code's output would change."""

    name: str
    version: int
    settings: Any  # JSON-able
    inputs: tuple[str, ...]  # ids of stages, hashes of files

    @property
    def id(self) -> str:
        """`name-` and twelve hexadecimal digits."""
        content = json.dumps([self.version, self.settings, self.inputs], sort_keys=True)
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def run_stage(root: Path, stage: Stage, work: Callable[[Path], None]) -> Path:
    """The stage's finished folder, made by `work(folder)` if it is not there yet.

    Two processes that want one stage take turns; the second finds it finished.

    Raises:
        Unfinished: it is not there yet, within `looking`.
    """
    final = root / stage.id
    if (final / "stage.json").exists():
        return final
    if _looking.get():
        raise Unfinished(f"stage {stage.name!r} is not finished")
    aside = root / f".{stage.id}"
    aside.mkdir(parents=True, exist_ok=True)
    with _locked(root / f".{stage.id}.lock"):
        if (final / "stage.json").exists():
            return final
        aside.mkdir(exist_ok=True)
        work(aside)
        for left in aside.rglob(".*.*"):  # what a killed rank was writing
            if left.is_file():
                left.unlink()
        record = {
            "name": stage.name,
            "version": stage.version,
            "settings": stage.settings,
            "inputs": list(stage.inputs),
        }
        write_aside(aside / "stage.json", json.dumps(record, indent=1, sort_keys=True).encode())
        shutil.rmtree(final, ignore_errors=True)
        aside.rename(final)
    return final


def claim_folder(folder: Path) -> None:
    """Make sure that a work folder is ours before anything is written into it.

    Raises:
        PipelineError: it holds something, and none of it is a stage of ours.
    """
    if folder.exists() and not folder.is_dir():
        raise PipelineError(f"work: {folder} is a file — name a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / "stages").is_dir():
        raise PipelineError(f"work: {folder} is not empty and no work folder of mixwright — name another folder")
    (folder / "stages").mkdir(parents=True, exist_ok=True)


def read_stage(folder: Path) -> dict[str, Any]:
    """What `run_stage` recorded of a finished folder."""
    record: dict[str, Any] = json.loads((folder / "stage.json").read_bytes())
    return record


def write_aside(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hash_files(root: Path, files: Sequence[Path | str]) -> str:
    """One SHA-256 over names and contents; contents are read once per (path, size, time of change).

    A URL's content is never read: what its file system says of its version stands for it. A file that cannot be
    read is told from one that can, so that what was made without it is made anew when it is there.
    """
    known_at = root / "hashes.json"
    known: dict[str, str] = json.loads(known_at.read_bytes()) if known_at.exists() else {}
    before = len(known)
    urls = [str(file) for file in files if is_remote(str(file))]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        remote = dict(zip(urls, pool.map(fingerprint, urls), strict=True))
    together = hashlib.sha256()
    for file in map(str, files):
        version = remote[file] if file in remote else _hash_local(Path(file), known)
        together.update(f"{base_name(file)}:{version}\n".encode())
    if len(known) > before and not _looking.get():
        write_aside(known_at, json.dumps(known, indent=0).encode())
    return together.hexdigest()


def _hash_local(file: Path, known: dict[str, str]) -> str:
    """SHA-256 of a file's content, looked up in `known` or added there."""
    try:
        stat = file.stat()
        key = f"{file.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
        if key not in known:
            with file.open("rb") as content:
                known[key] = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        return f"unreachable ({type(error).__name__})"
    return known[key]
