"""Stages are content-addressed folders: finished work is skipped, half-finished work is never seen.

A stage's folder is named by a hash of its settings, its inputs and its own version. Work happens in a hidden
folder beside it, which a killed run finds again; `stage.json` is written last and the folder renamed. A finished stage
that was damaged since is made anew, which gives the same bytes.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mixes.hashes import short_hash
from pipeline.errors import PipelineError
from pipeline.store.files import KnownFile, base_name, fingerprint, is_remote
from pipeline.store.in_use import hold
from pipeline.store.lock import Lock, locked
from pipeline.store.seal import (
    RECORD,
    Damaged,
    damage_in,
    listed_files,
    looked_up_again,
    read_sealed_json,
    sealed_json,
)
from pipeline.store.writing import TAKEN, clear_name, rename, unheard, unless_read_only, write_aside

ASKED_AT_ONCE = 16  # requests to remote file systems
HASHES = "hashes.json"
ABSENT = "not finished"


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
        for asked in _ASKED.get():
            asked.add(stage.id)
        if self.makes and self.root.is_dir():
            hold(final)
        damage = _damage(stage, final)
        if not damage:
            return final
        if not self.makes:
            raise Unfinished(f"stage {stage.name!r} is not finished" if damage == ABSENT else f"{stage.id}: {damage}")
        aside = self.root / f".{stage.id}"
        aside.mkdir(parents=True, exist_ok=True)
        hold(final)
        with locked(self.root / f".{stage.id}.lock", self.note) as lock:
            damage = _damage(stage, final)
            if damage not in (None, ABSENT):
                self.note(f"{stage.id} is damaged ({damage}) and is made anew")
            if damage:
                _make(stage, work, aside, final, lock)
        return final

    def discard(self, name: str, reason: str) -> None:
        """Forget a finished stage of this name whose damage was seen elsewhere, so that it is made anew."""
        self.note(f"{name} is damaged ({reason}) and is made anew")
        (self.root / name / RECORD).unlink(missing_ok=True)
        _WHOLE.discard(self.root / name)

    def hash_files(self, files: Sequence[Path | str | KnownFile]) -> str:
        """One SHA-256 over names and contents of files; see `hash_each`."""
        together = hashlib.sha256()
        for file, version in zip(files, self.hash_each(files), strict=True):
            name = file.name if isinstance(file, KnownFile) else base_name(str(file))
            together.update(f"{name}:{version}\n".encode())
        return together.hexdigest()

    def hash_each(self, files: Sequence[Path | str | KnownFile]) -> list[str]:
        """SHA-256 of each file's content, which is read once per (path, size, time of change).

        A URL's content is never read: what its file system says of its version stands for it. A file that cannot be
        read is told from one that can, so that what was made without it is made anew when it is there.
        """
        hashes = self._known_hashes()
        before = len(hashes)
        urls = [str(file) for file in files if not isinstance(file, KnownFile) and is_remote(str(file))]
        with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
            remote = dict(zip(urls, threads.map(fingerprint, urls), strict=True))
        versions = []
        for file in files:
            if isinstance(file, KnownFile):
                versions.append(file.sha256)
            else:
                versions.append(remote[str(file)] if str(file) in remote else _hash_local(Path(file), hashes))
        if len(hashes) > before and self.makes:
            with unless_read_only():
                write_aside(self.root / HASHES, sealed_json({"files": hashes}))
        return versions

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
_ASKED: ContextVar[tuple[set[str], ...]] = ContextVar("asked", default=())


@contextmanager
def asked_stages() -> Iterator[set[str]]:
    """Yields the ids of all stages that are asked for inside the block, found or not; they are added as it goes on."""
    asked: set[str] = set()
    before = _ASKED.set((*_ASKED.get(), asked))
    try:
        yield asked
    finally:
        _ASKED.reset(before)


def _make(stage: Stage, work: Callable[[Path], None], aside: Path, final: Path, lock: Lock) -> None:
    """Do the work in the hidden folder, and rename it when all of it is there.

    A process that was stopped for minutes may have lost the lock, and another may have finished the stage. Its folder
    is never replaced then: it has the same bytes.
    """
    aside.mkdir(exist_ok=True)
    try:
        work(aside)
    except Exception:
        if not lock.is_ours and not _damage(stage, final):
            return
        raise
    if not lock.is_ours:
        raise PipelineError(f"{stage.id}: another process took it over while this one stood still — run it again")
    record = {**_record(stage), "files": listed_files(aside)}
    write_aside(aside / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
    if final.exists():  # damaged
        clear_name(final)
    try:
        rename(aside, final)
    except OSError as error:
        if error.errno not in TAKEN or _damage(stage, final):
            raise
        shutil.rmtree(aside, ignore_errors=True)  # another's: this machine's view of the folder did not show it yet
    for left in list(final.rglob(".*")):  # what a killed rank was writing
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            with suppress(OSError):  # a file that another machine still reads goes when it is closed (NFS's `.nfs…`)
                left.unlink()


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
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError) and error.errno == errno.ESTALE:
            raise  # says nothing about the stage, which would be made anew
        return f"{RECORD} is not what was written"
    if {**record, "files": None} != {**json.loads(json.dumps(_record(stage))), "files": None}:
        return f"{RECORD} is not what was written"
    damage = damage_in(final, record.get("files", {}))
    if not damage:
        _WHOLE.add(final)
    return damage


def read_stage(folder: Path) -> dict[str, Any]:
    """What `StageStore.run` recorded of a finished folder."""
    record = json.loads(looked_up_again((folder / RECORD).read_bytes))
    if not isinstance(record, dict):
        raise ValueError(f"{folder / RECORD} holds no object")
    return record


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
