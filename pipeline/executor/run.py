"""Runs the steps of a stage over ranks on the machine that the settings name, until all have ended."""

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from loguru import logger

from mixes.proxy.malloc import MALLOC
from pipeline.errors import RanksFailed, RankTraceback
from pipeline.executor.failure import Failure, forget
from pipeline.executor.local import run_locally
from pipeline.executor.progress import Progress, watched
from pipeline.executor.ray import run_on_ray
from pipeline.executor.settings import ExecutorSettings, Stage
from pipeline.executor.slurm import check_programs, run_on_slurm
from pipeline.executor.work import PartOf, Work, nameless
from pipeline.store.writing import unheard

RUN: dict[str, Callable[[Work, ExecutorSettings, list[int]], list[Failure]]] = {
    "local": run_locally, "slurm": run_on_slurm, "ray": run_on_ray,
}  # fmt: skip
NAMED = 3  # failed ranks that an error quotes
BACK_OFF, LONGEST_PAUSE = 5.0, 300.0  # seconds before ranks are run again, doubled each time, and at most (assumed)


def check_executor(settings: ExecutorSettings) -> None:
    """Check that the machines are there that the settings name.

    Raises:
        PipelineError: one is not.
    """
    if "slurm" in {settings.kind, *(settings.at(stage).kind for stage in settings.stages)}:
        check_programs()


def run_steps(
    stage: Stage,
    steps: Sequence,
    ranks: int,
    logs: Path,
    settings: ExecutorSettings,
    progress: Progress | None = None,
    *,
    gpus: int = 0,
    part_of: PartOf = nameless,
    note: Callable[[str], None] = unheard,
) -> None:
    """Run a datatrove pipeline over `ranks`; ranks that `logs` marks as completed are skipped.

    Args:
        stage: whose settings count, and what an error begins with.
        steps: of datatrove.
        ranks: how many.
        logs: folder of marks, logs and failures.
        settings: the executor's.
        progress: is told how many ranks are finished.
        gpus: of a rank; a cluster gives each rank that many of its own. On this machine LOCAL_RANK tells ranks apart.
        part_of: what a rank works on, as its shard.
        note: is told of a failure as it happens, and of ranks that are run again.

    Raises:
        PipelineError: the machine cannot be used.
        RanksFailed: ranks failed, after all that could finish did. An error of a kind of its own, which a caller may
            know how to mend, is raised as the rank raised it.
    """
    for name, value in MALLOC.items():  # workers read it when they start
        os.environ.setdefault(name, value)
    logger.remove()  # the terminal belongs to the progress bar
    work, settings = Work(stage, list(steps), ranks, logs.absolute(), gpus, part_of), settings.at(stage)
    work.announce()
    with watched(work, progress, note):
        try:
            failures = _run_until_settled(work, settings, note)
        finally:
            work.pickled.unlink(missing_ok=True)
    if failures:
        _raise(work, settings, failures)


def _run_until_settled(work: Work, settings: ExecutorSettings, note: Callable[[str], None]) -> list[Failure]:
    """Run all ranks; those that failed for a reason that can pass are run again, as often as the settings say."""
    tries: Counter[int] = Counter()
    failures: dict[int, Failure] = {}
    todo = work.unfinished()
    while todo:
        forget(work.logs, todo)
        failed = RUN[settings.kind](work, settings, todo)
        tries.update(failure.rank for failure in failed)
        failures = {failure.rank: failure for failure in [*failures.values(), *failed]}
        passing = [failure for failure in failed if failure.passes and tries[failure.rank] <= settings.retries]
        if not passing:
            break
        number = max(tries[failure.rank] for failure in passing)
        pause = min(BACK_OFF * 2 ** (number - 1), LONGEST_PAUSE)
        note(
            f"{work.stage}: {passing[0].name} failed: {passing[0].reason}; {_counted(len(passing), 'rank')} will be "
            f"run again in {pause:.0f} s (try {number + 1} of {settings.retries + 1})"
        )
        time.sleep(pause)
        for failure in passing:
            del failures[failure.rank]
        todo = [rank for rank in work.unfinished() if rank not in failures]  # with those that were never begun
    return [
        failure if tries[failure.rank] < 2 else _after(failure, tries[failure.rank])
        for failure in sorted(failures.values(), key=lambda failure: failure.rank)
    ]


def _after(failure: Failure, tries: int) -> Failure:
    return Failure(**{**vars(failure), "reason": f"{failure.reason} ({tries} tries)"})


def _raise(work: Work, settings: ExecutorSettings, failures: list[Failure]) -> None:
    """Raise one error for all failed ranks, from what the first one raised."""
    first = failures[0]
    cause = first.exception()
    if cause is not None and first.is_mistake and len(failures) == 1 and _is_caught_by_its_kind(cause):
        raise cause
    finished = work.ranks - len(work.unfinished())
    kept = f"{_counted(finished, 'rank')} of {work.ranks} {'is' if finished == 1 else 'are'} finished and kept"
    quoted = "; ".join(failure.sentence(work.logs) for failure in failures[:NAMED])
    where = f"{work.stage}: {first.name}"
    if len(failures) == 1:
        message = f"{work.stage}: {quoted}"
    else:
        numbers = ", ".join(str(failure.rank) for failure in failures[:10]) + (" …" if len(failures) > 10 else "")
        where = f"{work.stage}: ranks {numbers}"
        message = f"{work.stage}: {len(failures)} of {work.ranks} ranks failed on {settings.kind} ({numbers}): {quoted}"
    failed = RanksFailed(f"{message} — {kept}; the same command runs the others", where, first.is_mistake)
    told = RankTraceback(first.traceback) if first.traceback else None
    if cause is not None:
        cause.__cause__ = told
    raise failed from (cause or told)


def _is_caught_by_its_kind(cause: BaseException) -> bool:
    """Whether it is of a class of its own, which somebody above tells from other mistakes."""
    return not type(cause).__module__.endswith(".errors")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
