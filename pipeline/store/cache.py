"""The user's cache folder: the sample's packages, and the laws and worlds of swarms that are read from files.

It is `MIXWRIGHT_CACHE`, else `mixwright` in XDG_CACHE_HOME or ~/.cache. Everything in it is made anew where it is
missing, so it may be deleted at any time. What is kept of swarms stays below MOST_BYTES: the longest unused goes first.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.store.stage import StageStore

MOST_BYTES = 2 << 30  # of all swarms' laws and worlds; 127 runs × 24 domains × 110 tasks take 30 MB


def cache_folder() -> Path:
    """`MIXWRIGHT_CACHE`, or `mixwright` under the user's cache folder; an empty variable is none.

    Raises:
        PipelineError: neither is set, and the user has no home.
    """
    chosen = os.environ.get("MIXWRIGHT_CACHE")
    if chosen:
        return Path(chosen)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mixwright"
    except RuntimeError:
        raise PipelineError("cache: the user has no home folder — set MIXWRIGHT_CACHE to a folder") from None


def swarm_cache(note: Callable[[str], None]) -> StageStore | None:
    """The folder of stages for swarms that are read from files; None, and a note, where nothing can be written."""
    try:
        folder = cache_folder() / "swarms"
    except PipelineError as error:
        note(f"{error}; laws are fitted anew each time")
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return StageStore(folder)
    except OSError as error:
        note(f"cache {folder}: cannot be written ({error.strerror}), so laws are fitted anew each time")
        return None


def trim_cache(cache: StageStore, most: int = MOST_BYTES) -> None:
    """Delete the stages that were not used for longest, until the rest takes at most `most` bytes."""
    stages = sorted((path for path in cache.root.iterdir() if path.is_dir()), key=lambda path: -path.stat().st_mtime_ns)
    total = 0
    for stage in stages:
        total += sum(file.stat().st_size for file in stage.rglob("*") if file.is_file())
        if total > most:
            shutil.rmtree(stage, ignore_errors=True)
            for lock in (f".{stage.name}.lock", f".{stage.name}.use.lock"):
                (cache.root / lock).unlink(missing_ok=True)
