"""Ranks as the jobs of one Slurm array, submitted by datatrove and waited for here.

Jobs are found by a name that the logs folder decides, in the queue alone (`squeue`; clusters without accounting
have no more). So a driver that was killed finds the array that it had submitted, and waits for it.
"""

import hashlib
import json
import math
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from datatrove.executor import SlurmPipelineExecutor

from pipeline.errors import PipelineError
from pipeline.executor.settings import ExecutorSettings

FIRST_LOOK, LOOKS = 1.0, 15.0  # seconds between looks at the queue: at first, and at most
PATIENCE = 600  # seconds that the queue may fail to answer, as busy controllers do


def run_on_slurm(steps: list, ranks: int, logs: Path, settings: ExecutorSettings, gpus: int) -> dict[int, Path]:
    """Run all ranks that are not completed, and block; what ends the wait early cancels the jobs.

    Returns:
        The ranks that failed, each with the output of its job.

    Raises:
        PipelineError: there is no Slurm, it refuses the job, or it no longer answers.
    """
    check_programs()
    step = "-".join(steps[0].name.split())  # a blank would end the name in the job's script
    name = f"mixwright-{step}-{hashlib.sha256(str(logs).encode()).hexdigest()[:8]}"
    array = _array(steps, ranks, logs, settings, name, gpus)
    try:
        _wait(name)
        if array.get_incomplete_ranks():
            _submit(array, settings, logs)
            _wait(name)
    except BaseException:
        if jobs := _queue(name).stdout.split():
            _ask("scancel", *sorted(set(jobs)))
        raise
    return {rank: _output(array, rank, logs) for rank in array.get_incomplete_ranks()}


def check_programs() -> None:
    """Check that Slurm's commands are here.

    Raises:
        PipelineError: one is not.
    """
    for program in ("sbatch", "squeue", "scancel"):
        if not shutil.which(program):
            raise PipelineError(
                f"executor.kind: slurm, and there is no `{program}` here — run on a login node, or set kind: local"
            )


class _Array(SlurmPipelineExecutor):
    """datatrove's executor without its job that sums statistics, which nobody reads here."""

    def launch_merge_stats(self) -> None:
        pass


def _array(steps: list, ranks: int, logs: Path, settings: ExecutorSettings, name: str, gpus: int) -> _Array:
    cpus, memory = settings.takes(gpus)
    return _Array(
        steps,
        tasks=ranks,
        logging_dir=str(logs),
        job_name=name,
        job_id_retriever=_job_id,
        partition=settings.partition,
        time=settings.time,
        workers=settings.workers or -1,
        cpus_per_task=cpus,
        mem_per_cpu_gb=memory,
        env_command=settings.env_command or f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",
        gpus_per_task=0 if _asks_for_gpus(settings.sbatch or {}) else gpus,
        sbatch_args=settings.sbatch,
        qos=None,
        mail_type="NONE",
        with_srun=False,  # a step of its own would get one CPU, whatever the job has (Slurm 22.05 and later)
    )


def _asks_for_gpus(options: Mapping[str, str]) -> bool:
    """Whether the experiment's own options of sbatch do, in one of the ways that Slurm has: theirs says which."""
    return any(
        name.startswith("gpus") or (name in ("gres", "tres-per-task") and "gpu" in value)
        for name, value in options.items()
    )


def _submit(array: _Array, settings: ExecutorSettings, logs: Path) -> None:
    """One array for all ranks that are not completed: a job takes several where there are too many."""
    array.tasks_per_job = math.ceil(len(array.get_incomplete_ranks()) / (settings.max_array_size or 1_000))
    try:
        array.launch_job()  # not `run`, which takes itself for a rank where the driver is a Slurm job
    except subprocess.CalledProcessError:
        # sbatch has said why on the terminal; --test-only says it again, to us
        refusal = _ask("sbatch", "--test-only", str(logs / "launch_script.slurm")).stderr.strip()
        reason = refusal.splitlines()[-1] if refusal else "no reason given"
        raise PipelineError(f"executor: Slurm refused the job ({reason}) — see partition, time and sbatch") from None


def _job_id(answer: str) -> str:
    """Of `Submitted batch job 7`, which some clusters follow with ` on cluster x`."""
    return re.findall(r"\d+", answer)[0]


def _wait(name: str) -> None:
    """Until no job of that name is queued or runs."""
    pause, answered = FIRST_LOOK, time.monotonic()
    while (queue := _queue(name)).stdout or queue.returncode:
        if queue.returncode == 0:
            answered = time.monotonic()
        elif time.monotonic() - answered > PATIENCE:
            raise PipelineError(f"executor: squeue fails ({queue.stderr.strip()}) — the same command goes on later")
        time.sleep(pause)
        pause = min(1.2 * pause, LOOKS)


def _queue(name: str) -> subprocess.CompletedProcess[str]:
    """Asks for the ids of our arrays of that name that have not ended."""
    return _ask("squeue", "--me", "--noheader", f"--name={name}", "--format=%F")


def _ask(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)


def _output(array: _Array, rank: int, logs: Path) -> Path:
    """Where the job of a rank wrote what it said, and Slurm why it ended it."""
    place = json.loads((logs / "ranks_to_run.json").read_bytes()).index(rank)
    return logs / "slurm_logs" / f"{array.job_id}_{place // array.tasks_per_job}.out"
