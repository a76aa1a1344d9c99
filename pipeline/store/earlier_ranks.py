"""Ranks that an earlier stage of the same kind has done already, taken over instead of being done again.

A stage whose ranks each depend on one shard alone says what each was made from (`ranks.json`). When the sources change,
ranks of unchanged shards are linked from the earlier stage's folder, under their new numbers, and marked as completed.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.store.files import rank_name
from pipeline.store.seal import LOGS, Damaged, damage_in, read_sealed_json, sealed_json
from pipeline.store.stage import read_stage
from pipeline.store.writing import write_aside

MADE_FROM = "ranks.json"
COMPLETIONS = f"{LOGS}/completions"


def take_over(folder: Path, name: str, made_from: Sequence[str]) -> int:
    """Link what earlier stages called `name` hold of the ranks of `folder`; returns how many were taken over.

    made_from: by rank, a hash of all that decides what it writes.
    """
    write_aside(folder / MADE_FROM, sealed_json({"ranks": list(made_from)}))
    known: dict[str, tuple[Path, int]] = {}
    for earlier in _earlier(folder, name):
        for rank, key in enumerate(_made_from(earlier)):
            known.setdefault(key, (earlier, rank))
    taken = 0
    for rank, key in enumerate(made_from):
        if key in known and not (folder / COMPLETIONS / rank_name(rank)).exists():
            taken += _link(*known[key], folder, rank)
    return taken


def _earlier(folder: Path, name: str) -> Iterator[Path]:
    """Finished stages, the newest first."""
    finished = [found for found in folder.parent.glob(f"{name}-*") if (found / MADE_FROM).is_file()]
    return iter(sorted(finished, key=lambda found: (-found.stat().st_mtime_ns, found.name)))


def _made_from(stage: Path) -> list[str]:
    try:
        return [str(key) for key in read_sealed_json(stage / MADE_FROM).get("ranks", [])]
    except (OSError, Damaged):
        return []


def _link(earlier: Path, number: int, folder: Path, rank: int) -> bool:
    """Link the files of one rank under its new number; false where the earlier ones are damaged."""
    try:
        listed = read_stage(earlier).get("files", {})
        files = {name: about for name, about in listed.items() if Path(name).stem == rank_name(number)}
        if not files or damage_in(earlier, files):
            return False
    except (OSError, ValueError, RecursionError):
        return False
    for name in files:
        place = (folder / name).with_stem(rank_name(rank))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            os.link(earlier / name, place)
        except OSError:  # a file system without links
            shutil.copyfile(earlier / name, place)
    mark = folder / COMPLETIONS / rank_name(rank)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True
