"""Ranks as processes of this machine."""

import contextlib
import os
import threading
from functools import cache
from pathlib import Path

import multiprocess
from datatrove.executor import LocalPipelineExecutor
from datatrove.utils.stats import PipelineStats
from loguru import logger

from pipeline.executor.settings import ExecutorSettings


def run_locally(steps: list, ranks: int, logs: Path, settings: ExecutorSettings, gpus: int) -> dict[int, Path]:
    """Run all ranks that are not completed; a rank's exception is raised here, so none is returned as failed.

    Nobody hands out this machine's GPUs: a rank takes the one of its LOCAL_RANK, whatever `gpus` says.
    """
    workers = settings.workers or os.cpu_count() or 1
    _QuietLocal(steps, tasks=ranks, workers=min(workers, ranks), logging_dir=str(logs)).run()
    return {}


class _QuietLocal(LocalPipelineExecutor):
    """datatrove's local executor; its log lines go to the rank's file, the terminal belongs to the progress bar."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        _end_with_the_driver()
        os.environ["LOCAL_RANK"] = str(local_rank)  # which of this machine's GPUs is its own
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            try:
                return super()._run_for_rank(rank, local_rank, node_rank)
            finally:
                logger.remove()  # its handler still writes to `nowhere`, which closes here


@cache
def _end_with_the_driver() -> None:
    """A driver that is killed would leave its ranks at work for as long as they take, beside those of the next one.

    What they write is whole or not there, so they may end at any moment.
    """
    driver = multiprocess.parent_process()  # None where the driver runs its only rank itself
    if driver:
        threading.Thread(target=lambda: (driver.join(), os._exit(1)), daemon=True).start()
