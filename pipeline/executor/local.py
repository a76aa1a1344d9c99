"""Ranks as processes of this machine, none of which outlives its driver.

A driver that is killed would leave its ranks at work for as long as they take, beside those of the next one. What they
write is whole or not there, so they may end at any moment. Ctrl-C reaches every process of a terminal's group; only the
driver heeds it, and ends its ranks.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import multiprocess
from datatrove.executor import LocalPipelineExecutor
from datatrove.utils.stats import PipelineStats
from loguru import logger

from pipeline.executor.settings import ExecutorSettings

LONGEST_WAIT = 0.5  # seconds until a signal is noticed


def run_locally(steps: list, ranks: int, logs: Path, settings: ExecutorSettings, gpus: int) -> dict[int, Path]:
    """Run all ranks that are not completed; a rank's exception is raised here, so none is returned as failed.

    Nobody hands out this machine's GPUs: a rank takes the one of its LOCAL_RANK, however many `gpus` it wants. Ranks on
    GPUs never run in this process, as a single worker's do otherwise: it would hold their memory for as long as it
    lives.
    """
    workers = min(settings.workers or os.cpu_count() or 1, ranks)
    if not gpus:
        _run(steps, ranks, workers, logs)
        return {}
    child = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    try:
        with _without_interrupts():
            work = child.submit(_run_apart, steps, ranks, workers, logs)
        work.result()
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()  # which its ranks notice
        raise
    finally:
        child.shutdown()
    return {}


def _run(steps: list, ranks: int, workers: int, logs: Path) -> None:
    _LocalRanks(steps, tasks=ranks, workers=workers, logging_dir=str(logs)).run()


def _run_apart(steps: list, ranks: int, workers: int, logs: Path) -> None:
    """The same in a process of its own, which ends with the driver as ranks do."""
    logger.remove()
    _end_with(multiprocessing.parent_process())
    _run(steps, ranks, workers, logs)


class _LocalRanks(LocalPipelineExecutor):
    """datatrove's local executor without its manager, a copy of the driver that would outlive it.

    Log lines of a rank go to the rank's file: the terminal belongs to the progress bar.
    """

    pipeline: list

    def run(self) -> None:
        """Run the ranks that are not completed, here where there is one worker."""
        ranks = self.get_incomplete_ranks()
        if not ranks:
            return
        self.save_executor_as_json()
        stats = self._run_here(ranks) if self.workers == 1 else self._run_in_processes(ranks)
        with self.logging_dir.open("stats.json", "wt") as file:
            sum(stats, start=PipelineStats()).save_to_disk(file)

    def _run_here(self, ranks: list[int]) -> list[PipelineStats]:
        os.environ["LOCAL_RANK"] = "0"
        steps, stats = self.pipeline, []
        for rank in ranks:
            self.pipeline = deepcopy(steps)
            stats.append(self._run_for_rank(rank))
        return stats

    def _run_in_processes(self, ranks: list[int]) -> list[PipelineStats]:
        context = multiprocess.get_context("forkserver")
        places = context.SimpleQueue()
        for place in range(self.workers):
            places.put(place)
        with _without_interrupts():
            processes = context.Pool(self.workers, _begin, (places,))
        with processes:
            stats: list[PipelineStats] = []
            finished = processes.imap_unordered(self._run_for_rank, ranks)
            while len(stats) < len(ranks):  # by short waits: one without end may sleep through Ctrl-C
                with contextlib.suppress(multiprocess.TimeoutError):
                    stats.append(finished.next(LONGEST_WAIT))
            return stats

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            try:
                return super()._run_for_rank(rank, int(os.environ["LOCAL_RANK"]), node_rank)
            finally:
                logger.remove()  # its handler still writes to `nowhere`, which closes here


def _begin(places: Any) -> None:
    """Prepare a process for its ranks: which of this machine's GPUs is its own, and how it ends."""
    os.environ["LOCAL_RANK"] = str(places.get())
    _end_with(multiprocess.parent_process())


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile, and theirs, never see Ctrl-C; this one sees it afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(driver: BaseProcess | None) -> None:
    """End this process as soon as its driver ends."""
    if driver:
        threading.Thread(target=_exit_after, args=(driver,), daemon=True).start()


def _exit_after(driver: BaseProcess) -> None:
    driver.join()
    os._exit(1)
