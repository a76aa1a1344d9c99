"""Stages are content-addressed folders: finished work is skipped, half-finished work is never seen.

A stage's folder is named by a hash of its settings, its inputs and its own version. Work happens in a hidden
folder beside it, which a killed run finds again; `stage.json` is written last and the folder renamed. A finished stage
that was damaged since is made anew, which gives the same bytes.
"""

import errno
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
from pipeline.store.seal import RECORD, Damaged, damage_in, listed_files, read_sealed_json, sealed_json

ASKED_AT_ONCE = 16  # requests to remote file systems
HASHES = "hashes.json"
ABSENT = "not finished"
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
OURS = frozenset(("stages", "records", "logs", "checkpoints", "experiments", "current.json", "catalog.duckdb"))


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


def unheard(line: str) -> None:
    """A note that nobody reads."""


@dataclass(frozen=True)
class StageStore:
    """The folder that holds all stages. One that `makes` nothing only finds what is finished, and writes nothing.

    note: is told what was damaged and is made anew.
    """

    root: Path
    makes: bool = True
    note: Callable[[str], None] = unheard

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
        damage = _damage(stage, final)
        if not damage:
            return final
        if not self.makes:
            raise Unfinished(f"stage {stage.name!r} is not finished" if damage == ABSENT else f"{stage.id}: {damage}")
        aside = self.root / f".{stage.id}"
        aside.mkdir(parents=True, exist_ok=True)
        with locked(self.root / f".{stage.id}.lock"):
            damage = _damage(stage, final)
            if damage not in (None, ABSENT):
                self.note(f"{stage.id} is damaged ({damage}) and is made anew")
            if damage:
                _make(stage, work, aside, final)
        return final

    def discard(self, name: str, reason: str) -> None:
        """Forget a finished stage of this name whose damage was seen elsewhere, so that it is made anew."""
        self.note(f"{name} is damaged ({reason}) and is made anew")
        (self.root / name / RECORD).unlink(missing_ok=True)
        _WHOLE.discard(self.root / name)

    def hash_files(self, files: Sequence[Path | str]) -> str:
        """One SHA-256 over names and contents; contents are read once per (path, size, time of change).

        A URL's content is never read: what its file system says of its version stands for it. A file that cannot be
        read is told from one that can, so that what was made without it is made anew when it is there.
        """
        hashes = self._known_hashes()
        before = len(hashes)
        urls = [str(file) for file in files if is_remote(str(file))]
        with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
            remote = dict(zip(urls, threads.map(fingerprint, urls), strict=True))
        together = hashlib.sha256()
        for file in map(str, files):
            version = remote[file] if file in remote else _hash_local(Path(file), hashes)
            together.update(f"{base_name(file)}:{version}\n".encode())
        if len(hashes) > before and self.makes:
            with unless_read_only():
                write_aside(self.root / HASHES, sealed_json({"files": hashes}))
        return together.hexdigest()

    def _known_hashes(self) -> dict[str, str]:
        """Hashes of earlier calls; none where their file is damaged or of an earlier version."""
        try:
            hashes = read_sealed_json(self.root / HASHES).get("files", {})
        except FileNotFoundError:
            return {}
        except Damaged:
            self.note(f"{HASHES} is damaged: files are read anew")
            return {}
        return hashes if isinstance(hashes, dict) else {}


_WHOLE: set[Path] = set()  # finished stages that this process has looked at


def _make(stage: Stage, work: Callable[[Path], None], aside: Path, final: Path) -> None:
    """Do the work in the hidden folder, and rename it when all of it is there."""
    aside.mkdir(exist_ok=True)
    work(aside)
    for left in list(aside.rglob(".*")):  # what a killed rank was writing
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    record = {**_record(stage), "files": listed_files(aside)}
    write_aside(aside / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
    shutil.rmtree(final, ignore_errors=True)
    aside.rename(final)


def _record(stage: Stage) -> dict[str, Any]:
    """What a finished folder says of its stage."""
    return {"name": stage.name, "version": stage.version, "settings": stage.settings, "inputs": list(stage.inputs)}


def _damage(stage: Stage, final: Path) -> str | None:
    """Why a stage cannot be used, ABSENT where it is not finished; looked at once per process."""
    if final in _WHOLE:
        return None if (final / RECORD).exists() else ABSENT
    try:
        record = read_stage(final)
    except FileNotFoundError:
        return ABSENT
    except (OSError, ValueError, RecursionError):
        return f"{RECORD} is not what was written"
    if {**record, "files": None} != {**json.loads(json.dumps(_record(stage))), "files": None}:
        return f"{RECORD} is not what was written"
    damage = damage_in(final, record.get("files", {}))
    if not damage:
        _WHOLE.add(final)
    return damage


def claim_folder(folder: Path) -> None:
    """Make sure that a work folder is ours before anything is written into it.

    Raises:
        PipelineError: it holds something that is not ours, it is a file, or nothing can be written there.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise PipelineError(f"work: {folder} is a file — name a folder")
        if (folder / "stages").is_dir():
            return
        strange = folder.exists() and any(not path.name.startswith(".") for path in _strangers(folder))
        if strange:
            raise PipelineError(f"work: {folder} is not empty and no work folder of mixwright — name another folder")
        (folder / "stages").mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise PipelineError(f"work: {str(folder)[:200]!r} cannot be made ({reason}) — name another folder") from None


def release_folder(folder: Path) -> None:
    """Take away a work folder in which nothing was finished."""
    for empty in (folder / "stages", folder):
        try:
            empty.rmdir()
        except OSError:  # it holds work
            return


def _strangers(folder: Path) -> Iterator[Path]:
    """What lies in a folder and is none of ours; a run that lost its folder may have left the rest behind."""
    return (path for path in folder.iterdir() if path.name not in OURS)


def read_stage(folder: Path) -> dict[str, Any]:
    """What `StageStore.run` recorded of a finished folder."""
    record = json.loads((folder / RECORD).read_bytes())
    if not isinstance(record, dict):
        raise ValueError(f"{folder / RECORD} holds no object")
    return record


def write_aside(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:  # a full disk, a signal
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def unless_read_only(note: Callable[[str], None] = unheard) -> Iterator[None]:
    """Go on without what is written inside, where nothing may be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        note(f"{error.filename or 'the folder'} cannot be written ({error.strerror})")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; processes that want it take turns."""
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
