"""Seals: a file or folder that was damaged after it was written is told from one that was not.

A table or a JSON file carries the SHA-256 of itself. A finished stage lists the sizes of its files, and the SHA-256 of
the small ones: reading terabytes at every start would cost more than damage does. Large files are checked where they
are read, by the checksums of their pages (Parquet) or of their own (token files).
"""

import errno
import hashlib
import io
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import polars as pl

KEY = "mixwright.sha256"
BLANK = "0" * 64  # what stands in the place of a seal while it is computed
LEAST = 12  # bytes of a Parquet file: its mark twice, and the length of its footer
TAIL = 1 << 20  # bytes at a table's end among which its seal lies (assumed: a footer is smaller)
HASHED = 1 << 20  # bytes; larger files of a stage are told by their size
HASHED_TOGETHER = 64 << 20  # bytes of a stage that are read to look for damage
LOGS = "logs"  # what a stage does not need
RECORD = "stage.json"


T = TypeVar("T")
STALE = (0.1, 1.0, 5.0)  # seconds to the next try where a file handle is stale (assumed)


class Damaged(Exception):
    """A file is not what was written."""


def looked_up_again(read: Callable[[], T]) -> T:
    """What `read` returns. A handle of a file that another machine replaced is stale (NFS); the name is looked up
    again.

    Raises:
        OSError: as `read` does; ESTALE after several tries.
    """
    for pause in STALE:
        try:
            return read()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
        time.sleep(pause)
    return read()


def sealed_table(frame: "pl.DataFrame") -> bytes:
    """A Parquet file that holds its own SHA-256."""
    content = io.BytesIO()
    frame.write_parquet(content, compression="zstd", metadata={KEY: BLANK})
    blank = content.getvalue()
    place = blank.rindex(BLANK.encode())
    digest = hashlib.sha256(blank).hexdigest().encode()
    return blank[:place] + digest + blank[place + len(digest) :]


def is_whole_table(path: Path) -> bool:
    """Whether a Parquet file is there and as it was written; one that was written without a seal counts as whole.

    Raises:
        OSError: the file system lost hold of it (ESTALE), which says nothing about the file.
    """
    try:
        content = looked_up_again(path.read_bytes)
    except OSError as error:
        if error.errno == errno.ESTALE:
            raise
        return False
    if len(content) < LEAST or content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        return False
    place = content.rfind(KEY.encode(), max(0, len(content) - TAIL))
    if place < 0:
        return True
    place += len(KEY)
    while place < len(content) and content[place : place + 1] not in b"0123456789abcdef":  # the text's length
        place += 1
    blank = content[:place] + BLANK.encode() + content[place + len(BLANK) :]
    return hashlib.sha256(blank).hexdigest().encode() == content[place : place + len(BLANK)]


def sealed_json(content: Mapping[str, Any]) -> bytes:
    """A JSON object with the SHA-256 of its other fields."""
    return json.dumps({**content, KEY: _json_digest(content)}, indent=1).encode()


def read_sealed_json(path: Path) -> dict[str, Any]:
    """What `sealed_json` made; one without a seal, as earlier versions wrote it, is taken as it is.

    Raises:
        FileNotFoundError: there is no such file.
        Damaged: it is not what was written.
    """
    try:
        content = json.loads(looked_up_again(path.read_bytes))
    except (ValueError, RecursionError):
        raise Damaged(f"{path} is no JSON") from None
    if not isinstance(content, dict):
        raise Damaged(f"{path} holds no object")
    seal = content.pop(KEY, None)
    if seal is not None and seal != _json_digest(content):
        raise Damaged(f"{path} is not what was written")
    return content


def _json_digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def listed_files(folder: Path) -> dict[str, list]:
    """Path in the folder → [bytes, SHA-256 or null where the file is large], without logs and what is hidden."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    names = {path.relative_to(folder).as_posix(): path for path in files}
    names = {name: path for name, path in names.items() if not name.startswith(".") and "/." not in name}
    return {
        name: [size := path.stat().st_size, _digest(path) if size <= HASHED else None]
        for name, path in names.items()
        if not name.startswith(f"{LOGS}/")
    }


def damage_in(folder: Path, files: Mapping[str, list]) -> str | None:
    """What is wrong with a folder that held these files (as `listed_files` lists them); None where nothing is.

    Raises:
        OSError: the file system lost hold of a file (ESTALE), which says nothing about it.
    """
    left = HASHED_TOGETHER
    for name, (size, digest) in files.items():
        path = folder / name
        try:
            now = looked_up_again(path.stat).st_size
            if now != size:
                return f"{name} has {now:,} bytes instead of {size:,}"
            if digest is not None and left > 0:
                left -= size
                if looked_up_again(partial(_digest, path)) != digest:
                    return f"{name} is not what was written"
        except OSError as error:
            if error.errno == errno.ESTALE:
                raise
            return f"{name}: {error.strerror}"
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
