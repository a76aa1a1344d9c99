"""The folder of an export: whole or not there, replaced by the next export, never put among other files."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import ExperimentError
from flows.outputs import check_writable
from pipeline.store.lock import locked
from pipeline.store.writing import write_aside

RECORD = "mixwright.json"  # by which an export is recognised
LOGS = ".logs"  # of the steps that write it: finished ranks are not run again
PLAN = ".plan"  # what an unfinished export is of


def check_folder(folder: Path, option: str) -> None:
    """See that an export can be written there, before anything long runs.

    Raises:
        ExperimentError: there is something else, or nothing can be written.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise ExperimentError(f"{option} {folder}: is no folder — name one that is, or is not there yet")
    check_writable(
        next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir()), f"{option} {folder}"
    )
    if not folder.exists() or not (inside := sorted(path.name for path in folder.iterdir())):
        return
    if not (ours := _entries(folder)):
        raise ExperimentError(f"{option} {folder}: is not empty and no export of mixwright — name another folder")
    if others := [name for name in inside if name not in ours]:
        raise ExperimentError(
            f"{option} {folder}: holds {others[0]!r}, which no export wrote — move it, or name another folder"
        )


def _entries(folder: Path) -> set[str]:
    """What an earlier export wrote into the folder; nothing where it is none."""
    try:
        return {RECORD, *map(str, json.loads((folder / RECORD).read_bytes())["entries"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


@contextmanager
def whole_folder(folder: Path, plan: str) -> Iterator[Path]:
    """Yields a hidden folder beside `folder`, which takes its place when the block ends.

    plan: what is written. A killed export of the same plan goes on in the same hidden folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.unfinished")
    lock = folder.with_name(f".{folder.name}.lock")
    with locked(lock):
        if not (aside / PLAN).is_file() or (aside / PLAN).read_text() != plan:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            write_aside(aside / PLAN, plan.encode())
        try:
            yield aside
        except ExperimentError:  # nothing that could go on later
            shutil.rmtree(aside, ignore_errors=True)
            lock.unlink(missing_ok=True)
            raise
        shutil.rmtree(aside / LOGS, ignore_errors=True)
        (aside / PLAN).unlink()
        _replace(aside, folder)
        lock.unlink(missing_ok=True)


def _replace(aside: Path, folder: Path) -> None:
    earlier = folder.with_name(f".{folder.name}.earlier")
    shutil.rmtree(earlier, ignore_errors=True)
    if folder.exists():
        folder.rename(earlier)
    aside.rename(folder)
    shutil.rmtree(earlier, ignore_errors=True)
