"""Which experiment files work in a folder, and which pool each of them recorded last.

Each file has its own note in `experiments/`, so that no two processes write the same one. An experiment whose settings
were changed keeps its file, and what only its earlier settings needed is needed no more.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from flows.experiment import Experiment
from mixes.hashes import short_hash
from pipeline.store.seal import Damaged, read_sealed_json, sealed_json
from pipeline.store.writing import unless_read_only, write_aside

FOLDER, BEGINS = "experiments", "of-"
MOST = 1_000  # pools that a note lists


@dataclass(frozen=True)
class Owner:
    """An experiment file that works in the folder."""

    name: str  # the experiment's label
    file: str  # relative to the work folder; empty for an experiment that was made in a program
    experiment: str  # id of the settings that it had last
    pools: tuple[str, ...]  # that it recorded, the latest last

    @property
    def pool(self) -> str | None:
        """The pool that it recorded last."""
        return self.pools[-1] if self.pools else None


def write_owner(experiment: Experiment, pool: str | None = None) -> None:
    """Note that an experiment works in its folder. pool: the one that it recorded; None keeps what is noted."""
    note = _note(experiment)
    earlier = [name for name in _content(note).get("pools", []) if name != pool]
    owner = {
        "name": experiment.name,
        "file": _relative(experiment),
        "experiment": experiment.id,
        "pools": [*earlier, pool][-MOST:] if pool else earlier,
    }
    if _content(note) != owner:
        with unless_read_only():
            write_aside(note, sealed_json(owner))


def read_owners(folder: Path) -> list[Owner]:
    """All experiment files that are noted; damaged notes are left out, as they are written again at the next run."""
    contents = [_content(note) for note in sorted((folder / FOLDER).glob(f"{BEGINS}*.json"))]
    return [Owner(one["name"], one["file"], one["experiment"], tuple(one["pools"])) for one in contents if one]


def _note(experiment: Experiment) -> Path:
    return experiment.folder / FOLDER / f"{BEGINS}{short_hash(_relative(experiment) or experiment.name)}.json"


def _relative(experiment: Experiment) -> str:
    """The experiment's file as seen from the work folder: the same wherever both are moved to together."""
    return os.path.relpath(experiment.file, experiment.folder) if experiment.file else ""


def _content(note: Path) -> dict:
    try:
        return read_sealed_json(note)
    except (OSError, Damaged):
        return {}
