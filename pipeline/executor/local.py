"""Ranks as processes of this machine, none of which outlives its driver.

A driver that is killed would leave its ranks at work for as long as they take, beside those of the next one. What they
write is whole or not there, so they may end at any moment. Ctrl-C reaches every process of a terminal's group; only the
driver heeds it, and ends its ranks.
"""

import contextlib
import os
from collections.abc import Iterator
from copy import deepcopy
from functools import partial

from datatrove.executor import LocalPipelineExecutor
from loguru import logger

from pipeline.executor.crew import run_over
from pipeline.executor.failure import Failure, attempt, of_death
from pipeline.executor.settings import ExecutorSettings
from pipeline.executor.work import Work, rank_log


def run_locally(work: Work, settings: ExecutorSettings, todo: list[int]) -> list[Failure]:
    """Run the ranks of `todo`, and return those that failed. A failure does not stop the others, unless each of them
    would meet it too, as a full disk.

    Nobody hands out this machine's GPUs: a rank takes the one of its LOCAL_RANK, however many it wants. Ranks on GPUs
    never run in this process, as a single worker's do otherwise: it would hold their memory for as long as it lives.
    """
    workers = min(settings.workers or os.cpu_count() or 1, work.ranks)
    executor = _LocalRanks(work.steps, tasks=work.ranks, workers=workers, logging_dir=str(work.logs))
    run = partial(_attempt, executor, work)
    results = _run_here(run, todo) if workers == 1 and not work.gpus else run_over(todo, min(workers, len(todo)), run)
    failures: list[Failure] = []
    for rank, result in results:
        if isinstance(result, str):
            reason = f"its process ended by {result}" + (", as where the memory is full" if "KILL" in result else "")
            result = of_death(reason, True, rank_log(work.logs, rank), work.logs, rank, work.part_of)
        if result:
            failures.append(result)
            if result.is_of_all:
                break
    return failures


def _run_here(run: partial[Failure | None], todo: list[int]) -> Iterator[tuple[int, Failure | str | None]]:
    os.environ["LOCAL_RANK"] = "0"
    for rank in todo:
        yield rank, run(rank)


class _LocalRanks(LocalPipelineExecutor):
    """datatrove's local executor, of which one rank runs at a time; its own way of running many is not used.

    Log lines of a rank go to the rank's file: the terminal belongs to the progress bar.
    """

    pipeline: list

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> None:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            try:
                super()._run_for_rank(rank, int(os.environ["LOCAL_RANK"]), node_rank)
            finally:
                logger.remove()  # its handler still writes to `nowhere`, which closes here


def _attempt(executor: _LocalRanks, work: Work, rank: int) -> Failure | None:
    """Run a rank, with steps of its own: they keep what they count."""
    steps, executor.pipeline = executor.pipeline, deepcopy(executor.pipeline)
    try:
        return attempt(partial(executor._run_for_rank, rank), work.logs, rank, work.part_of)
    finally:
        executor.pipeline = steps
