"""The swarm that `reuse.runs` names, as its work folder records it: runs, mixes, and the settings that made it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from flows.catalog.current import LAST, SWARMS, Index, read_index
from flows.catalog.owners import read_owners
from flows.errors import ExperimentError
from flows.experiment import Experiment, load_experiment
from flows.show.progress import note
from mixes.errors import MixError
from mixes.tables.yaml_file import read_yaml
from pipeline.errors import PipelineError
from pipeline.stages.graph import finished_pool
from pipeline.train.records import TRAINED, read_record


@dataclass(frozen=True)
class EarlierRun:
    """One proxy that was trained and scored."""

    id: str
    mix: str
    weights: Mapping[str, float]  # over the domains of its pool
    seed: int
    pool: str
    suite: str


@dataclass(frozen=True)
class EarlierSwarm:
    """The last swarm over a pool, with the earlier runs that it rests on itself."""

    wanted: str  # as the experiment names it
    folder: Path  # the work folder
    pool: str
    runs: tuple[EarlierRun, ...]
    settings: Mapping[str, Any]  # sections of the experiment that made it; empty where they are not recorded

    @property
    def what(self) -> str:
        """Its name in messages."""
        return f"reuse.runs {self.wanted}"


def find_earlier(experiment: Experiment) -> list[EarlierSwarm]:
    """The swarms that the experiment's `reuse.runs` names; none where it names none.

    Raises:
        ExperimentError: one is no experiment file and no work folder, or holds no swarm.
    """
    if not experiment.reuse:
        return []
    return [_find(experiment, wanted) for wanted in experiment.reuse.runs]


def _find(experiment: Experiment, wanted: str) -> EarlierSwarm:
    path = (experiment.base / wanted).resolve()
    if path.is_dir():
        folder, file = path, experiment.file if path == experiment.folder else None
    elif path.is_file():
        folder, file = (experiment.folder if path == experiment.file else load_experiment(path).folder), path
    else:
        raise ExperimentError(f"reuse.runs: {wanted!r} is neither an experiment file nor a work folder (it is {path})")
    index = read_index(folder, partial(note, "records"))
    today = _present_pool(experiment) if folder == experiment.folder else None
    pools = [pool for pool in _pools(folder, file, index, wanted) if pool in index[LAST] and pool != today]
    if not pools:
        other = " over another pool than today's" if today else ""
        raise ExperimentError(
            f"reuse.runs: {wanted!r}: no swarm{other} is recorded in {folder} — run `mixwright swarm` on the earlier "
            "experiment first"
        )
    files = index[SWARMS].get(index[LAST][pools[-1]], {})
    runs = [run for name in files.get("runs", []) for run in _runs(folder, folder / name)]
    if not runs:
        raise ExperimentError(f"reuse.runs: {wanted!r}: every proxy of its swarm diverged — leave it out")
    return EarlierSwarm(wanted, folder, pools[-1], tuple(runs), _settings(folder, files))


def _pools(folder: Path, file: Path | None, index: Index, wanted: str) -> list[str]:
    """The pools of the experiment of a file, or of the only one of a folder, the latest last."""
    owners = read_owners(folder)
    owners = [owner for owner in owners if file is None or (owner.file and (folder / owner.file).resolve() == file)]
    if len(owners) > 1:
        names = ", ".join(owner.file or owner.name for owner in owners)
        raise ExperimentError(
            f"reuse.runs: {wanted!r} is the work folder of several experiments ({names}) — give the file of one"
        )
    return list(owners[0].pools) if owners else [] if file else list(index[LAST])


def _present_pool(experiment: Experiment) -> str | None:
    """Today's pool; None where it is not finished."""
    try:
        return finished_pool(experiment.corpus).name
    except PipelineError:
        return None


def _runs(folder: Path, file: Path) -> list[EarlierRun]:
    """The runs of a record. Those that were earlier ones already are read as they were trained."""
    runs = []
    for row in read_record(file).iter_rows(named=True):
        own = folder / "records" / "runs" / f"{row['run']}.parquet"
        row = row if own == file else pl.read_parquet(own).row(0, named=True)
        if row["status"] == TRAINED:
            weights = json.loads(row["weights"])
            runs.append(EarlierRun(row["run"], row["mix"], weights, row["seed"], row["pool"], row["suite"]))
    return runs


def _settings(folder: Path, files: Mapping[str, list[str]]) -> Mapping[str, Any]:
    """Of the experiment that recorded the swarm, every default filled in."""
    for name in files.get("suite", [])[:1]:
        made_by = "experiment-" + Path(name).stem.partition("-experiment-")[2]
        try:
            content = read_yaml(folder / "experiments" / f"{made_by}.yaml")
        except MixError:
            break
        if isinstance(content, dict):
            return content
    return {}
