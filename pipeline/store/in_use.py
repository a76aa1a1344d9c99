"""Which finished stages a process works with, so that none is deleted under it.

A process holds a shared lock on every stage that it made or found for a run, until it ends. Who wants to delete the
stage needs the lock alone. Where a file system knows no locks this protects nothing, and a run whose stage was deleted
makes it anew when its command is given again.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_HELD: dict[Path, IO[bytes]] = {}


def use_file(stage: Path) -> Path:
    """The lock file of a stage's users."""
    return stage.with_name(f".{stage.name}.use.lock")


def hold(stage: Path) -> None:
    """Hold a stage until this process ends; a process that deletes it is waited for."""
    file = use_file(stage)
    if file in _HELD:
        return
    with suppress(OSError):  # nothing can be written here, or the file system knows no locks
        opened = file.open("ab")
        fcntl.flock(opened, fcntl.LOCK_SH)
        _HELD[file] = opened


@contextmanager
def alone(stage: Path) -> Iterator[bool]:
    """Yields whether no other process holds the stage; none gets hold of it until the block ends."""
    file = use_file(stage)
    own = _HELD.pop(file, None)
    if own:
        own.close()
    with file.open("ab") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:  # a file system without locks
            pass
        yield True
