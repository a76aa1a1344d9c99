"""Files that are either whole or not there, writers that take turns, and folders that cannot be written."""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def unheard(line: str) -> None:
    """A note that nobody reads."""


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
