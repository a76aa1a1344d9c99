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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mixes.hashes import short_hash
from pipeline.errors import PipelineError
from pipeline.store.files import base_name, fingerprint, is_remote

ASKED_AT_ONCE = 16  # requests to remote file systems


class Unfinished(PipelineError):
    """A stage that would have to be made first."""


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
        return f"{self.name}-{short_hash(content)}"


@dataclass(frozen=True)
class StageStore:
    """The folder that holds all stages. One that `makes` nothing only finds what is finished, and writes nothing."""

    root: Path
    makes: bool = True

    @property
    def finding(self) -> "StageStore":
        """The same folder; nothing is made in it."""
        return replace(self, makes=False)

    def run(self, stage: Stage, work: Callable[[Path], None]) -> Path:
        """The stage's finished folder, made by `work(folder)` if it is not there yet.

        Two processes that want one stage take turns; the second finds it finished.

        Raises:
            Unfinished: it is not there yet, and this store makes nothing.
        """
        final = self.root / stage.id
        if (final / "stage.json").exists():
            return final
        if not self.makes:
            raise Unfinished(f"stage {stage.name!r} is not finished")
        aside = self.root / f".{stage.id}"
        aside.mkdir(parents=True, exist_ok=True)
        with _locked(self.root / f".{stage.id}.lock"):
            if not (final / "stage.json").exists():
                _make(stage, work, aside, final)
        return final

    def hash_files(self, files: Sequence[Path | str]) -> str:
        """One SHA-256 over names and contents; contents are read once per (path, size, time of change).

        A URL's content is never read: what its file system says of its version stands for it. A file that cannot be
        read is told from one that can, so that what was made without it is made anew when it is there.
        """
        hashes_file = self.root / "hashes.json"
        hashes: dict[str, str] = json.loads(hashes_file.read_bytes()) if hashes_file.exists() else {}
        before = len(hashes)
        urls = [str(file) for file in files if is_remote(str(file))]
        with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
            remote = dict(zip(urls, threads.map(fingerprint, urls), strict=True))
        together = hashlib.sha256()
        for file in map(str, files):
            version = remote[file] if file in remote else _hash_local(Path(file), hashes)
            together.update(f"{base_name(file)}:{version}\n".encode())
        if len(hashes) > before and self.makes:
            write_aside(hashes_file, json.dumps(hashes, indent=0).encode())
        return together.hexdigest()


def _make(stage: Stage, work: Callable[[Path], None], aside: Path, final: Path) -> None:
    """Do the work in the hidden folder, and rename it when all of it is there."""
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
    """What `StageStore.run` recorded of a finished folder."""
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


def _hash_local(file: Path, hashes: dict[str, str]) -> str:
    """SHA-256 of a file's content, looked up in `hashes` or added there."""
    try:
        stat = file.stat()
        key = f"{file.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
        if key not in hashes:
            with file.open("rb") as content:
                hashes[key] = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        return f"unreachable ({type(error).__name__})"
    return hashes[key]
