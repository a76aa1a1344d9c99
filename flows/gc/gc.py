"""What of a work folder no current record needs, and its deletion.

Stages, interrupted stages, checkpoints of interrupted proxies, and what killed processes left half written are looked
at. Records are never deleted: they are small, and runs are evidence that other swarms can reuse.
"""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flows.experiment import Experiment
from flows.gc.needed import Needed, kind_of, needed_stages
from flows.gc.sizes import bytes_of, freed_by
from pipeline.store.in_use import alone
from pipeline.store.lock import held
from pipeline.store.seal import RECORD

INTERRUPTED = "interrupted"
GOING = ".going."  # begins the name of what is being deleted
ASIDE = re.compile(r"\..+\.\d+(-[0-9a-f]{6})?(\.duckdb)?(\.wal)?")  # what a process writes before it is renamed
QUIET = 3_600  # seconds without a change after which nobody is taken to write a file any more (assumed)


@dataclass(frozen=True)
class Item:
    """Something that may go."""

    path: Path
    kind: str
    why: str
    bytes: int = 0
    resumes: bool = False  # a run that was interrupted would go on with it


@dataclass(frozen=True)
class Kept:
    """Stages that stay for one reason."""

    why: str
    stages: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Leftovers:
    """What may go, the largest first; what is kept and why; what another process uses."""

    items: tuple[Item, ...]
    kept: tuple[Kept, ...]
    in_use: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """What deleting all items frees."""
        return sum(item.bytes for item in self.items)


def find_leftovers(experiment: Experiment, interrupted: bool = False) -> Leftovers:
    """What no current record needs. interrupted: what an interrupted run would go on with counts too.

    Raises:
        PipelineError: a newer mixwright wrote the work folder.
    """
    needed = needed_stages(experiment)
    items = [item for item in _items(experiment.folder, needed) if interrupted or not item.resumes]
    sizes = freed_by(item.path for item in items)
    sized = [Item(item.path, item.kind, item.why, sizes[item.path], item.resumes) for item in items]
    return Leftovers(tuple(sorted(sized, key=lambda item: (-item.bytes, item.path.name))), tuple(_kept(needed)))


def delete_leftovers(experiment: Experiment, interrupted: bool = False) -> Leftovers:
    """Delete them. What another process makes or uses stays, and is named."""
    leftovers = find_leftovers(experiment, interrupted)
    gone: list[Item] = []
    in_use: list[Item] = []
    for item in leftovers.items:
        (gone if _delete(item) else in_use).append(item)
    return Leftovers(tuple(gone), leftovers.kept, tuple(item.path.name for item in in_use))


def _items(folder: Path, needed: Needed) -> Iterator[Item]:
    stages = needed.root
    for path in sorted(stages.glob("[!.]*-*")):
        if path.is_dir() and path.name not in needed.why:
            damaged = "" if (path / RECORD).is_file() else "; it is damaged"
            yield Item(path, kind_of(path.name), f"no current record rests on it{damaged}")
    for path in sorted(stages.glob(".*-*")):
        if path.is_dir() and not path.name.startswith(GOING) and not ASIDE.fullmatch(path.name):
            yield Item(path, INTERRUPTED, "half made: a run would go on with it", resumes=True)
    for path in sorted((folder / "checkpoints").glob("*.pt")):
        if _is_quiet(path):
            yield Item(path, "checkpoint", "half trained: a run would go on with it", resumes=True)
    yield from _left_behind(folder)


def _left_behind(folder: Path) -> Iterator[Item]:
    """What processes that were killed were writing."""
    places = (folder, folder / "stages", folder / "experiments", *(folder / "records").glob("**/"))
    for place in places:
        for path in sorted(place.glob(".*")):
            going = path.name.startswith(GOING)
            if going or (ASIDE.fullmatch(path.name) and _is_quiet(path)):
                yield Item(path, "left behind", "a process that was killed was writing it, or deleting it")


def _is_quiet(path: Path) -> bool:
    """Whether nothing was written there for long."""
    with suppress(OSError):
        return time.time() - path.lstat().st_mtime > QUIET
    return False


def _kept(needed: Needed) -> Iterator[Kept]:
    by_reason: dict[str, list[str]] = {}
    for stage, why in sorted(needed.why.items()):
        by_reason.setdefault(why, []).append(stage)
    for why, stages in by_reason.items():
        yield Kept(why, tuple(stages), bytes_of(needed.root / stage for stage in stages))


def _delete(item: Item) -> bool:
    """Whether it could be deleted: nobody makes it or works with it. It is gone under its name at once."""
    stage = item.path.with_name(item.path.name.removeprefix("."))
    if item.kind in ("left behind", "checkpoint"):
        _remove(item.path)
        return True
    with alone(stage) as is_unused, held(stage.with_name(f".{stage.name}.lock")) as is_unmade:
        if not is_unused or not is_unmade:
            return False
        going = item.path.with_name(f"{GOING}{stage.name}")
        with suppress(FileNotFoundError):  # another one deletes it as well
            _remove(going)
            item.path.rename(going)
            _remove(going)
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
