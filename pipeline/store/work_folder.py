"""The work folder of an experiment: is it ours, and can this version of mixwright read it?"""

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.store.writing import unless_read_only, write_aside

MARK = "workspace.json"  # says which version of the folder's layout lies there
VERSION = 1  # raised when an older mixwright would misread or spoil what a newer one writes
OURS = frozenset(("stages", "records", "logs", "checkpoints", "experiments", "current.json", "catalog.duckdb", MARK))


def claim_folder(folder: Path) -> None:
    """Make sure that a work folder is ours before anything is written into it.

    Raises:
        PipelineError: it holds something that is not ours, it is a file, or nothing can be written there.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise PipelineError(f"work: {folder} is a file — name a folder")
        check_layout(folder)
        if (folder / "stages").is_dir():
            _leave_mark(folder)
            return
        strange = folder.exists() and any(not path.name.startswith(".") for path in _strangers(folder))
        if strange:
            raise PipelineError(f"work: {folder} is not empty and no work folder of mixwright — name another folder")
        (folder / "stages").mkdir(parents=True, exist_ok=True)
        _leave_mark(folder)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise PipelineError(f"work: {str(folder)[:200]!r} cannot be made ({reason}) — name another folder") from None


def check_layout(folder: Path) -> None:
    """Check that no newer mixwright has laid the folder out.

    Raises:
        PipelineError: one has.
    """
    try:
        version = json.loads((folder / MARK).read_bytes())["version"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # made before there was a mark, or damaged
    if isinstance(version, int) and version > VERSION:
        raise newer_workspace(folder, MARK, version, VERSION)


def newer_workspace(folder: Path, name: str, version: int, known: int) -> PipelineError:
    """The error for a file of a work folder that a newer mixwright wrote."""
    return PipelineError(
        f"work: {folder / name} has version {version}, written by a newer mixwright, and this one knows versions up to "
        f"{known} — upgrade mixwright, or name another work folder"
    )


def _leave_mark(folder: Path) -> None:
    if not (folder / MARK).exists():
        with unless_read_only():
            write_aside(folder / MARK, json.dumps({"version": VERSION}).encode())


def _strangers(folder: Path) -> Iterator[Path]:
    """What lies in a folder and is none of ours; a run that lost its folder may have left the rest behind."""
    return (path for path in folder.iterdir() if path.name not in OURS)


def release_folder(folder: Path) -> None:
    """Take away a work folder in which nothing was finished."""
    try:
        (folder / "stages").rmdir()
        (folder / MARK).unlink(missing_ok=True)
        folder.rmdir()
    except OSError:  # it holds work
        return
