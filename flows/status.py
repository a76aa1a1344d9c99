"""What of an experiment is finished, running, interrupted or stale, read from its work folder; nothing is written."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flows.catalog.newer import check_workspace
from flows.errors import INPUT_ERRORS
from flows.experiment import Experiment
from flows.plan.known import Known, look
from pipeline.executor.failure import FOLDER as FAILED
from pipeline.executor.failure import read_failures
from pipeline.executor.progress import Progress
from pipeline.executor.work import ABOUT, announced_ranks
from pipeline.read.losses import describe_refused
from pipeline.stages.graph import walk_stages
from pipeline.store.lock import is_held
from pipeline.store.stage import Unfinished
from pipeline.train.records import diverged_runs
from pipeline.train.swarm import swarm_logs

State = Literal["finished", "running", "failed", "interrupted", "begun", "not begun", "stale"]
SHOWN = 5  # failed ranks that are listed


@dataclass(frozen=True)
class Part:
    """A stage, the swarm, or the recommendation."""

    name: str
    state: State
    detail: str
    failed: tuple[str, ...] = ()  # its failed ranks, each with the reason and its log
    so_far: tuple[str, ...] = ()  # what a swarm that is not finished knows, in lines


@dataclass(frozen=True)
class Status:
    """What a work folder holds of an experiment."""

    experiment: str
    parts: tuple[Part, ...]
    next: str  # the command that goes on


def status_of(experiment: Experiment) -> Status:
    """How far an experiment is.

    Raises:
        PipelineError: what it would be made from is not there, or a newer mixwright wrote the folder.
    """
    check_workspace(experiment.folder)
    parts = list(_stages(experiment))
    if parts[-1].state != "finished":
        return Status(experiment.name, tuple(parts), "mixwright run")
    known = look(experiment)
    swarm = _swarm(experiment, known)
    parts.append(swarm)
    if swarm.state != "finished":
        return Status(experiment.name, tuple(parts), "mixwright run")
    recommendation = _recommendation(experiment)
    parts.append(recommendation)
    done = recommendation.state == "finished"
    return Status(experiment.name, tuple(parts), "mixwright report" if done else "recommend-mix")


def _stages(experiment: Experiment) -> Iterator[Part]:
    """The stages up to the first that is not finished."""
    root = experiment.corpus.stages.root
    finished: list[Part] = []

    def find(name: str, work: Callable[[Progress], Path]) -> Path:
        try:
            folder = work(lambda _done, _total: None)
        except Unfinished:
            finished.append(_unfinished(root, name))
            raise
        finished.append(Part(name, "finished", "; ".join(_losses(name, folder))))
        return folder

    with suppress(Unfinished):
        walk_stages(experiment.corpus.finding, find)
    yield from finished


def _losses(name: str, folder: Path) -> list[str]:
    return describe_refused(folder) if name in ("filter", "index") else []


def _unfinished(root: Path, name: str) -> Part:
    """A stage that was begun, by the hidden folder in which it works, or that was not."""
    begun = sorted(root.glob(f".{name}-*/"), key=lambda folder: folder.stat().st_mtime_ns)
    older = any(root.glob(f"{name}-*/stage.json"))
    if not begun:
        detail = "an earlier one is there, of other sources or settings" if older else ""
        return Part(name, "stale" if older else "not begun", detail)
    done, ranks = _ranks(begun[-1])
    failed = _failed(begun[-1])
    state: State = "failed" if failed else "interrupted"
    if is_held(begun[-1].with_name(f"{begun[-1].name}.lock")):
        state = "running"
    detail = f"{done} of {ranks} ranks" if ranks else ""
    return Part(name, state, f"{detail}, {len(failed)} failed" if failed else detail, tuple(failed))


def _failed(folder: Path) -> list[str]:
    """The failed ranks of what works in a folder, as the ranks or those who watched them wrote them down."""
    logs = sorted(found.parent for found in folder.rglob(FAILED))
    return [failure.sentence(place.absolute()) for place in logs for failure in read_failures(place)]


def _ranks(folder: Path) -> tuple[int, int]:
    """Ranks that are done, and all, of the executor's last run in a stage's folder."""
    logs = sorted(folder.rglob(ABOUT), key=lambda file: file.stat().st_mtime_ns)
    ranks = announced_ranks(logs[-1].parent) if logs else None
    return (len(list((logs[-1].parent / "completions").glob("*"))), ranks) if ranks else (0, 0)


def _swarm(experiment: Experiment, known: Known) -> Part:
    all_of = len(known.candidates)
    trained = all_of - known.left
    detail = f"{trained} of {all_of} proxies" + (f", {known.earlier} of them earlier runs" if known.earlier else "")
    if known.evidence and known.trained:
        odd = diverged_runs(known.evidence, known.trained, experiment.records)
        detail += f", {len(odd)} diverged" if odd else ""
    if trained == all_of:
        return Part("swarm", "finished", detail)
    new = [candidate for candidate in known.candidates if not candidate.run]
    logs = swarm_logs(experiment.folder / "logs", known.evidence, new) if known.evidence else None
    failed = _failed(logs) if logs and logs.is_dir() else []
    so_far = _so_far(experiment, known) if known.trained else ()
    if failed:
        return Part("swarm", "failed", f"{detail}, {len(failed)} ranks failed", tuple(failed), so_far)
    if trained == known.earlier:
        return Part("swarm", "not begun", detail)
    records = (experiment.records / "runs").glob("*.parquet")
    age = time.time() - max(record.stat().st_mtime for record in records)
    return Part("swarm", "begun", f"{detail}; the last one ended {_ago(age)}", so_far=so_far)


def _so_far(experiment: Experiment, known: Known) -> tuple[str, ...]:
    from flows.so_far import told_so_far  # with every law and solver

    assert known.evidence
    mixes = len({candidate.mix for candidate in known.candidates})
    return tuple(told_so_far(experiment, known.evidence, list(known.trained), mixes))


def _ago(seconds: float) -> str:
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' * (count > 1)} ago"
    return f"{max(0, int(seconds))} seconds ago"


def _recommendation(experiment: Experiment) -> Part:
    from flows.recommended import find_recommendation  # with the laws' own models

    try:
        found = find_recommendation(experiment).recommendation
    except INPUT_ERRORS as error:
        return Part("recommendation", "not begun", str(error).partition(": ")[2])
    return Part("recommendation", "finished", f"{found.id}: {found.verdict['target'].replace('_', ' ')} on the target")
