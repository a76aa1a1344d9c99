"""The work folder of an experiment: is it ours?"""

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import PipelineError

OURS = frozenset(("stages", "records", "logs", "checkpoints", "experiments", "current.json", "catalog.duckdb"))


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


def _strangers(folder: Path) -> Iterator[Path]:
    """What lies in a folder and is none of ours; a run that lost its folder may have left the rest behind."""
    return (path for path in folder.iterdir() if path.name not in OURS)


def release_folder(folder: Path) -> None:
    """Take away a work folder in which nothing was finished."""
    for empty in (folder / "stages", folder):
        try:
            empty.rmdir()
        except OSError:  # it holds work
            return
