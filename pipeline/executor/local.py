"""Ranks as processes of this machine."""

import contextlib
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path

import multiprocess
from datatrove.executor import LocalPipelineExecutor
from datatrove.utils.stats import PipelineStats
from loguru import logger

from pipeline.executor.settings import ExecutorSettings


def run_locally(steps: list, ranks: int, logs: Path, settings: ExecutorSettings, gpus: int) -> dict[int, Path]:
    """Run all ranks that are not completed; a rank's exception is raised here, so none is returned as failed.

    Nobody hands out this machine's GPUs: a rank takes the one of its LOCAL_RANK, however many `gpus` it wants. Ranks on
    GPUs never run in this process, as datatrove has a single worker do: whatever is forked from it later, datatrove's
    manager among that, would hold their memory for as long as it lives, that of a killed driver for ever.
    """
    workers = min(settings.workers or os.cpu_count() or 1, ranks)
    if not gpus:
        _run(steps, ranks, workers, logs)
        return {}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as child:
        child.submit(_run_apart, steps, ranks, workers, logs).result()
    return {}


def _run(steps: list, ranks: int, workers: int, logs: Path) -> None:
    _QuietLocal(steps, tasks=ranks, workers=workers, logging_dir=str(logs)).run()


def _run_apart(steps: list, ranks: int, workers: int, logs: Path) -> None:
    """The same in a process of its own, which ends with the driver as ranks do."""
    logger.remove()
    _end_with(multiprocessing.parent_process())
    _run(steps, ranks, workers, logs)


class _QuietLocal(LocalPipelineExecutor):
    """datatrove's local executor; its log lines go to the rank's file, the terminal belongs to the progress bar."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        _end_with(multiprocess.parent_process())
        os.environ["LOCAL_RANK"] = str(local_rank)  # which of this machine's GPUs is its own
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            try:
                return super()._run_for_rank(rank, local_rank, node_rank)
            finally:
                logger.remove()  # its handler still writes to `nowhere`, which closes here


@cache
def _end_with(driver: BaseProcess | None) -> None:
    """A driver that is killed would leave its ranks at work for as long as they take, beside those of the next one.

    What they write is whole or not there, so they may end at any moment. None: the driver runs its only rank itself.
    """
    if driver:
        threading.Thread(target=_exit_after, args=(driver,), daemon=True).start()


def _exit_after(driver: BaseProcess) -> None:
    driver.join()
    os._exit(1)
