"""Runs steps over ranks on the machine that the settings name, blocks until they have ended, and says what failed."""

import os
from collections.abc import Sequence
from pathlib import Path

from loguru import logger

from mixes.proxy.malloc import MALLOC
from pipeline.errors import PipelineError
from pipeline.executor.local import run_locally
from pipeline.executor.progress import Progress, watched
from pipeline.executor.ray import run_on_ray
from pipeline.executor.settings import ExecutorSettings
from pipeline.executor.slurm import check_programs, run_on_slurm

RUN = {"local": run_locally, "slurm": run_on_slurm, "ray": run_on_ray}
NAMED = 3  # failed ranks that an error quotes
TAIL = 4_096  # bytes of a rank's log that are looked at


def check_executor(settings: ExecutorSettings) -> None:
    """Check that the machine is there that the settings name.

    Raises:
        PipelineError: it is not.
    """
    if settings.kind == "slurm":
        check_programs()


def run_steps(
    steps: Sequence,
    ranks: int,
    logs: Path,
    settings: ExecutorSettings,
    progress: Progress | None = None,
    gpus: int = 0,
) -> None:
    """Run a datatrove pipeline over `ranks`; ranks that `logs` marks as completed are skipped.

    gpus: of a rank; a cluster gives each rank that many of its own. On this machine LOCAL_RANK tells ranks apart.

    Raises:
        PipelineError: the cluster cannot be used, or ranks failed on it.
        Exception: whatever a rank raised on this machine.
    """
    for name, value in MALLOC.items():  # workers read it when they start
        os.environ.setdefault(name, value)
    logger.remove()  # the terminal belongs to the progress bar
    with watched(logs / "completions", ranks, progress):
        failed = RUN[settings.kind](list(steps), ranks, logs.absolute(), settings, gpus)
    if failed:
        quoted = "; ".join(f"rank {rank}: {_last_line(log)}" for rank, log in sorted(failed.items())[:NAMED])
        raise PipelineError(
            f"executor: {len(failed)} of {ranks} ranks failed on {settings.kind} ({_listed(sorted(failed))}); {quoted} "
            f"— see {failed[min(failed)]}; the same command runs them again"
        )


def _listed(ranks: list[int]) -> str:
    """`3, 4, 7 …`"""
    return ", ".join(map(str, ranks[:10])) + (" …" if len(ranks) > 10 else "")


def _last_line(log: Path) -> str:
    """What a rank said last: its exception, or Slurm's word on why it was ended, whatever came after that."""
    if not log.exists():
        return "it left no log, so it never began"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    ended = [line for line in lines if line.startswith("slurmstepd")]
    return (ended or lines or ["its log is empty"])[-1][:300]
