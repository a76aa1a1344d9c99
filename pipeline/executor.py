"""Runs datatrove steps over ranks, on this machine or a cluster, with datatrove's own executors."""

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from datatrove.executor import LocalPipelineExecutor
from datatrove.utils.stats import PipelineStats
from loguru import logger
from pydantic import BaseModel, ConfigDict, Field

Progress = Callable[[int, int], None]  # (ranks finished, ranks in all)


class ExecutorSettings(BaseModel):
    """The `executor:` section: where the heavy stages run. It never changes what they produce."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["local"] = "local"
    """`local`: processes of this machine."""
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """Ranks that run at once."""


def run_steps(
    steps: Sequence, ranks: int, logs: Path, settings: ExecutorSettings, progress: Progress | None = None
) -> None:
    """Run a datatrove pipeline over `ranks`; ranks that `logs` marks as completed are skipped.

    Raises:
        Exception: whatever a rank raised.
    """
    # Workers read these at their start: proxies want no malloc that hands large blocks back to the system
    # after every step (measured: 7 % of a proxy's time).
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(1 << 30))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(1 << 30))
    executor = _QuietLocal(list(steps), tasks=ranks, workers=min(settings.workers, ranks), logging_dir=str(logs))
    logger.remove()
    with _watched(logs / "completions", ranks, progress):
        executor.run()


class _QuietLocal(LocalPipelineExecutor):
    """datatrove's local executor; its log lines go to the rank's file, the terminal belongs to the progress bar."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            try:
                return super()._run_for_rank(rank, local_rank, node_rank)
            finally:
                logger.remove()  # its handler still writes to `nowhere`, which closes here


class _watched:
    """Reports finished ranks while the executor, which has no hook for it, runs."""

    def __init__(self, completions: Path, ranks: int, progress: Progress | None) -> None:
        self.completions, self.ranks, self.progress = completions, ranks, progress
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _report(self) -> None:
        if self.progress:
            done = len(list(self.completions.iterdir())) if self.completions.exists() else 0
            self.progress(done, self.ranks)

    def _watch(self) -> None:
        while not self.stop.wait(0.5):
            self._report()

    def __enter__(self) -> None:
        self._report()
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._report()
