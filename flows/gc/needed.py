"""Which stages of a work folder are needed, and by what. What is not needed may be deleted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flows.catalog.current import BLENDS, LAST, POOLS, SWARMS, Index, read_index
from flows.catalog.newer import check_workspace
from flows.catalog.owners import Owner, read_owners
from flows.errors import INPUT_ERRORS, ExperimentError
from flows.experiment import Experiment, load_experiment
from flows.gc.asked import asked_by
from flows.refresh.standing import find_standing
from flows.show.progress import note
from pipeline.store.seal import RECORD
from pipeline.store.stage import read_stage
from pipeline.store.writing import unheard

SMALL = ("recommend", "checked")  # kinds that are kept whoever needs them: answers, and a few bytes
OF_SWARMS = ("laws", "worlds", "suite", "round", "contents", "agreement", "model", "urls")  # kept where in doubt


@dataclass
class Needed:
    """Stage → why it is kept; `unsure` where an experiment could not say all that it needs."""

    root: Path
    why: dict[str, str] = field(default_factory=dict)
    unsure: bool = False

    def add(self, stage: str, why: str) -> None:
        """Keep one stage."""
        if (self.root / stage / RECORD).is_file():
            self.why.setdefault(stage, why)

    def add_with_inputs(self, stage: str, why: str) -> None:
        """Keep a stage and all that it was made from."""
        waiting, seen = [stage], set()
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                self.add(name, why)
                waiting += inputs_of(self.root / name)

    def add_tokens(self, pool: str, why: str) -> None:
        """Keep a pool and its tokens and documents, and not what they were made from."""
        self.add(pool, why)
        for name in inputs_of(self.root / pool):
            self.add(name, why)


def needed_stages(experiment: Experiment) -> Needed:
    """What the experiment, others in its work folder, standing recommendations and blends need.

    Raises:
        PipelineError: a newer mixwright wrote the work folder.
    """
    check_workspace(experiment.folder)
    needed = Needed(experiment.folder / "stages")
    index = read_index(experiment.folder, unheard)
    owners = read_owners(experiment.folder)
    for owner in owners:
        _keep_recorded(needed, index, owner.pool, f"experiment {owner.name}")
    for other in [experiment, *_others(experiment, owners, needed)]:
        _keep_asked(needed, other)
    for pool in _unowned(index, owners, experiment):
        _keep_recorded(needed, index, pool, "recorded by an earlier mixwright, which did not note for whom")
        needed.unsure = True
    for pool, blend in _blends(experiment):
        needed.add_tokens(pool, f"blend {blend}")
    _keep_kinds(needed)
    return needed


def _others(experiment: Experiment, owners: list[Owner], needed: Needed) -> Iterator[Experiment]:
    """The other experiment files of the folder, as they are now."""
    for owner in owners:
        file = (experiment.folder / owner.file).resolve()
        if not owner.file or file == experiment.file:
            continue
        try:
            loaded = load_experiment(file)
            if loaded.folder == experiment.folder:  # else it has gone to another folder
                yield loaded
        except INPUT_ERRORS as error:
            note("gc", f"experiment {owner.name}: what it recorded is kept, and nothing more is known of it ({error})")
            needed.unsure = True


def _keep_asked(needed: Needed, experiment: Experiment) -> None:
    """Keep what an experiment asks for, and what it would be compared with."""
    asked, whole = asked_by(experiment)
    needed.unsure |= not whole
    for stage in sorted(asked):
        needed.add(stage, f"experiment {experiment.name}")
        for name in inputs_of(needed.root / stage):  # an agreement's earlier version among them
            needed.add(name, f"experiment {experiment.name}")
    try:
        standing = find_standing(experiment)
    except ExperimentError:
        return
    needed.add_tokens(standing.pool, f"the standing recommendation of {experiment.name}")


def _keep_recorded(needed: Needed, index: Index, pool: str | None, why: str) -> None:
    """Keep what the catalog shows of a pool: its stages, and the suite of the swarm over it."""
    if pool is None:
        return
    needed.add_with_inputs(pool, why)
    for files in index[POOLS].get(pool, {}).values():
        for file in files:
            parts = Path(file).parts
            if parts[0] == "stages":
                needed.add_with_inputs(parts[1], why)
    for file in index[SWARMS].get(index[LAST].get(pool), {}).get("suite", []):
        needed.add(Path(file).stem.partition("-experiment-")[0], why)


def _unowned(index: Index, owners: list[Owner], experiment: Experiment) -> Iterator[str]:
    """Pools that are recorded, and of which nothing says whose they are."""
    ids = {owner.experiment for owner in owners} | {experiment.id}
    known = {pool for owner in owners for pool in owner.pools}
    for pool in index[POOLS]:
        files = index[SWARMS].get(index[LAST].get(pool), {}).get("suite", [])
        its = {f"experiment-{Path(file).stem.partition('-experiment-')[2]}" for file in files}
        if pool not in known and not its & ids:
            yield pool


def _blends(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """(pool, blend) of every recorded blend."""
    for file in sorted((experiment.records / BLENDS[0]).glob("*/*.parquet")):
        yield file.parent.name, file.stem


def _keep_kinds(needed: Needed) -> None:
    """Keep what belongs to stages that are kept, and small answers."""
    for folder in sorted(needed.root.glob(f"*/{RECORD}")):
        stage = folder.parent.name
        kind = kind_of(stage)
        if kind in SMALL:
            needed.add(stage, "small answers and checks are always kept")
        elif kind in OF_SWARMS and needed.unsure:
            needed.add(stage, "an experiment that is not finished may need it")
        elif kind in ("contents", "worlds") and any(name in needed.why for name in inputs_of(folder.parent)):
            needed.add(stage, needed.why[next(name for name in inputs_of(folder.parent) if name in needed.why)])


def kind_of(stage: str) -> str:
    """The kind of a stage, by its name."""
    return stage.rpartition("-")[0]


def inputs_of(stage: Path) -> list[str]:
    """The stages that a finished stage was made from; none where its record is damaged."""
    try:
        inputs = read_stage(stage)["inputs"]
    except (OSError, ValueError, KeyError, RecursionError, json.JSONDecodeError):
        return []
    return [name for name in inputs if isinstance(name, str) and (stage.parent / name / RECORD).is_file()]
