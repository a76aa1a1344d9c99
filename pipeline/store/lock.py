"""Locks by which processes take turns, on this machine and on others that share the file system.

A lock is two things. flock puts processes of one machine in a queue, and of several where the file system passes it on.
Where it does nothing (NFS without locks), a note beside the lock file decides: it is created exclusively, which every
file system does for one process only, and it is touched while the lock is held. A note whose process has ended on this
machine is void at once; one of another machine is void when it was not touched for SILENT seconds by the clock of the
process that watches it, whatever the file's own time says. A note that is still empty may be seen for as long as its
writer takes to close it; it is void after NASCENT seconds.
"""

import fcntl
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.store.writing import unheard

TOUCHED = 10.0  # seconds between signs of life of a holder
SILENT = 120.0  # seconds without one after which a holder on another machine counts as gone (NFS may cache for 60)
NASCENT = 5.0  # seconds after which a note without content is void: its writer died in between (assumed)
ASKED = 0.2  # seconds between looks at a lock that somebody holds
_OWN: set[str] = set()  # notes of this process's threads


class Lock:
    """A lock that this process holds."""

    def __init__(self, note: Path, name: str) -> None:
        self.note, self.name = note, name

    @property
    def is_ours(self) -> bool:
        """Whether nobody took it meanwhile, as may happen to a process that was stopped for minutes."""
        return _read(self.note).get("name") == self.name


@contextmanager
def locked(path: Path, waiting: Callable[[str], None] = unheard) -> Iterator[Lock]:
    """Hold a lock file; processes that want it take turns. waiting: is told once where another holds it."""
    with path.open("a") as file:
        if not _flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB):
            waiting(f"another process is at it: waiting ({path.name})")
            _flock(file.fileno(), fcntl.LOCK_EX)
        lock = _claim(path.with_name(f"{path.name}.owner"), waiting)
        ended = threading.Event()
        threading.Thread(target=_stay_alive, args=(lock, ended), daemon=True).start()
        try:
            yield lock
        finally:
            ended.set()
            if lock.is_ours:
                lock.note.unlink(missing_ok=True)
            _OWN.discard(lock.name)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Yields whether nobody holds the lock; if so nobody gets it until the block ends, where flock works."""
    with path.open("a") as file:
        is_free = _flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield is_free and not _may_live(_read(path.with_name(f"{path.name}.owner")))


def is_held(path: Path) -> bool:
    """Whether a process holds the lock file; nothing is written."""
    with suppress(OSError), path.open("r") as file:
        return not _flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back as the file closes
    return False


def _flock(file: int, how: int) -> bool:
    """False where another process holds it; True too where the file system knows no locks."""
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _claim(note: Path, waiting: Callable[[str], None]) -> Lock:
    """Create the note, once it is not there or void."""
    name = uuid.uuid4().hex
    content = {"name": name, "host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}
    _OWN.add(name)
    seen: tuple[object, float] = (None, time.monotonic())
    is_told = False
    while True:
        try:
            with note.open("x") as file:
                json.dump(content, file)
            return Lock(note, name)
        except FileNotFoundError:  # its holder finished, and took the folder away that the lock was for
            return Lock(note, name)
        except FileExistsError:
            pass
        owner, now = _read(note), (_touched(note), time.monotonic())
        seen = seen if seen[0] == now[0] else now
        patience = 0.0 if owner and not _may_live(owner) else SILENT if owner else NASCENT
        if now[1] - seen[1] >= patience:
            _void(note, owner, name)
            continue
        if not is_told:
            is_told = True
            waiting(f"process {owner.get('pid')} on {owner.get('host')} is at it: waiting ({note.stem})")
        time.sleep(ASKED)


def _void(note: Path, owner: dict, name: str) -> None:
    """Take a note away; of several processes that do one succeeds, and one that was renewed meanwhile is put back."""
    aside = note.with_name(f"{note.name}.{name}")
    with suppress(OSError):
        note.rename(aside)
        if _read(aside).get("name") != owner.get("name"):
            with suppress(FileExistsError):
                os.link(aside, note)
        aside.unlink()


def _may_live(owner: dict) -> bool:
    """Whether the process that wrote a note may be alive: one of another machine always may."""
    if not owner:
        return False
    if owner.get("host") != socket.gethostname():
        return True
    if owner.get("pid") == os.getpid():
        return owner.get("name") in _OWN
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return _started(int(owner["pid"])) == owner.get("started")


def _started(pid: int) -> str | None:
    """When a process of this machine was started, in ticks: a number that was given out again is told from it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None


def _read(note: Path) -> dict:
    """What a note says; one that is just being written is waited for."""
    for _ in range(10):
        try:
            content = json.loads(note.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            time.sleep(0.05)
            continue
        return content if isinstance(content, dict) else {}
    return {}


def _touched(note: Path) -> object:
    try:
        stat = note.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _stay_alive(lock: Lock, ended: threading.Event) -> None:
    """Touch the note until the lock is given back."""
    while not ended.wait(TOUCHED):
        with suppress(OSError):
            if lock.is_ours:
                os.utime(lock.note)
