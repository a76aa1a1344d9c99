"""Files that are either whole or not there, and folders that cannot be written."""

import errno
import hashlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
TAKEN = (errno.EEXIST, errno.ENOTEMPTY)  # what a rename over a folder that holds something says


def unheard(line: str) -> None:
    """A note that nobody reads."""


def aside_of(path: Path) -> Path:
    """A hidden name beside a file or folder, of this process alone among all machines that share the file system."""
    host = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
    return path.with_name(f".{path.name}.{os.getpid()}-{host}")


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder, over a file of that name.

    A server of files that lost its answer may be asked again and then say that there is no such file, or that the name
    is taken: the rename was carried out where the target is what the source was (NFS, RFC 1813, section 4.3).
    """
    before = os.stat(source)
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno not in (errno.ENOENT, *TAKEN) or os.path.lexists(source):
            raise
        with suppress(OSError):
            after = os.stat(target)
            if (after.st_dev, after.st_ino) == (before.st_dev, before.st_ino):
                return
        raise


def clear_name(path: Path) -> None:
    """Take away whatever has this name. A folder is renamed first: files that another machine reads stay in it for a
    while under hidden names (NFS's `.nfs…`), and a folder that holds any cannot be replaced."""
    aside = aside_of(path.with_name(f"{path.name}.gone"))
    shutil.rmtree(aside, ignore_errors=True)
    try:
        rename(path, aside)
    except FileNotFoundError:
        return
    except OSError:  # an earlier one's files are still read
        shutil.rmtree(path, ignore_errors=True)
        return
    shutil.rmtree(aside, ignore_errors=True)
    with suppress(OSError):
        aside.unlink()


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields a hidden place beside a file or folder, which gets its name when the block ends, and goes if it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = aside_of(path)
    try:
        yield aside
        if aside.is_dir():
            clear_name(path)
        rename(aside, path)
    except BaseException:  # a full disk, a signal
        shutil.rmtree(aside, ignore_errors=True)
        with suppress(OSError):
            aside.unlink()
        raise


def write_aside(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file so that it is either whole or not there. mode: who may read it, before the umask."""
    with written_aside(path) as aside, open(aside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def unless_read_only(note: Callable[[str], None] = unheard) -> Iterator[None]:
    """Go on without what is written inside, where nothing may be written."""
    try:
        yield
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        note(f"{error.filename or 'the folder'} cannot be written ({error.strerror})")
