"""Ranks as the jobs of Slurm arrays, in the scripts of datatrove, submitted and waited for here.

Jobs are found by a name that the logs folder decides, in the queue alone (`squeue`; clusters without accounting
have no more). So a driver that was killed finds the array that it had submitted, and waits for it. An array holds as
many jobs as the site allows; where there are more, the next is submitted when the one before has ended.
"""

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import dill
from datatrove.executor import SlurmPipelineExecutor
from datatrove.executor.slurm import requeue_handler

from pipeline.errors import PipelineError
from pipeline.executor.failure import Failure, attempt, of_death, read_failure
from pipeline.executor.settings import ExecutorSettings, gpu_requests
from pipeline.executor.slurm_output import how_it_ended
from pipeline.executor.work import PICKLED, Work, rank_log
from pipeline.store.writing import write_aside

FIRST_LOOK, LOOKS = 1.0, 15.0  # seconds between looks at the queue: at first, and at most
PATIENCE = 600  # seconds that Slurm may fail to answer, as busy controllers do
USUAL_ARRAY = 1_000  # jobs of an array, where the cluster does not say: below Slurm's own default of 1,001
TOO_MANY = re.compile(r"invalid job array|array size|submit ?(job ?)?limit|maxsubmit", re.IGNORECASE)
BUSY = re.compile(r"timed out|unable to contact|temporarily unable|connect failure", re.IGNORECASE)


def run_on_slurm(work: Work, settings: ExecutorSettings, todo: list[int]) -> list[Failure]:
    """Run the ranks of `todo`, block, and return those that failed; what ends the wait early cancels the jobs.

    Raises:
        PipelineError: there is no Slurm, it refuses the job, or it no longer answers.
    """
    check_programs()
    name = f"mixwright-{work.stage}-{hashlib.sha256(str(work.logs).encode()).hexdigest()[:8]}"
    failures: list[Failure] = []
    try:
        _wait(name)  # for an array of a driver that was killed
        left, jobs = [rank for rank in work.unfinished() if rank in set(todo)], _most_jobs(settings)
        while left:
            array, jobs = _submit(work, settings, name, left, jobs)
            _wait(name)
            unfinished = set(work.unfinished())
            failures += [_failure(work, array, rank) for rank in array.of_jobs if rank in unfinished]
            left = left[len(array.of_jobs) :]
    except BaseException:
        if queued := _queue(name).stdout.split():
            _ask("scancel", *sorted(set(queued)))
        raise
    return failures


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


class RankArray(SlurmPipelineExecutor):
    """datatrove's executor for some of the ranks, one of which may fail without the others of its job.

    It has no job that sums statistics, which nobody reads here, and asks for no mail.
    """

    of_jobs: list[int]  # ranks, of which each job takes `tasks_per_job`
    part_of: Callable[[int], str]

    def run(self) -> None:
        """Run the ranks of this job, inside it; its exit code says whether all of them finished."""
        first = int(os.environ["SLURM_ARRAY_TASK_ID"]) * self.tasks_per_job
        for name in self.requeue_signals or ():
            signal.signal(signal.Signals[name], requeue_handler)
        logs = Path(self.logging_dir.path)
        ranks = self.of_jobs[first : first + self.tasks_per_job]
        failures = [attempt(partial(self._run_for_rank, rank), logs, rank, self.part_of) for rank in ranks]
        if any(failures):
            sys.exit(1)


def rank_array(work: Work, settings: ExecutorSettings, name: str, ranks: list[int]) -> RankArray:
    """The array over ranks."""
    cpus, memory = settings.takes(work.gpus)
    own = {key: value for key in ("account", "constraint") if (value := getattr(settings, key))}
    here = "" if settings.container else f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
    array = RankArray(
        list(work.steps),
        tasks=work.ranks,
        logging_dir=str(work.logs),
        job_name=name,
        partition=settings.partition,
        time=settings.time,
        workers=settings.workers or -1,
        cpus_per_task=cpus,
        mem_per_cpu_gb=memory,
        env_command=settings.env_command or here,
        sbatch_args={**own, **gpu_requests(settings, work.gpus), **(settings.sbatch or {})},
        qos=settings.qos,
        mail_type="NONE",
        tasks_per_job=settings.ranks_per_job or 1,
    )
    array.of_jobs, array.part_of = ranks, work.part_of
    return array


def script_of(array: RankArray, settings: ExecutorSettings, gpus: bool) -> str:
    """The script of an array's jobs. It has no `srun`: a step of its own would get one CPU, whatever the job has (Slurm
    22.05 and later)."""
    logs = Path(array.logging_dir.path)
    command = f"launch_pickled_pipeline {shlex.quote(str(logs / PICKLED))}"
    if settings.container:
        command = f"apptainer exec {'--nv ' if gpus else ''}{shlex.quote(settings.container)} {command}"
    return array.get_launch_file_contents(array.get_sbatch_args(-(-len(array.of_jobs) // array.tasks_per_job)), command)


def _submit(work: Work, settings: ExecutorSettings, name: str, left: list[int], jobs: int) -> tuple[RankArray, int]:
    """Submit an array over the first of the ranks that are left; returns it, and the most jobs that Slurm takes."""
    asked = time.monotonic()
    while True:
        array = rank_array(work, settings, name, left[: jobs * (settings.ranks_per_job or 1)])
        write_aside(work.pickled, dill.dumps(array, fmode=dill.CONTENTS_FMODE), mode=0o600)
        script = work.logs / "launch_script.slurm"
        asks_gpus = bool(gpu_requests(settings, work.gpus))
        write_aside(script, script_of(array, settings, asks_gpus).encode())
        answer = _ask("sbatch", "--export=ALL,RUN_OFFSET=0", str(script))
        if answer.returncode == 0:
            array.job_id = re.findall(r"\d+", answer.stdout)[0]  # some clusters add ` on cluster x`
            return array, jobs
        refusal = (answer.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("sbatch: error: ")
        if TOO_MANY.search(answer.stderr) and jobs > 1:
            jobs = max(1, min(jobs, len(left)) // 2)
        elif BUSY.search(answer.stderr) and time.monotonic() - asked < PATIENCE:
            time.sleep(LOOKS)
            if queued := _queue(name).stdout.split():  # it was heard after all
                array.job_id = queued[0]
                return array, jobs
        else:
            fields = "partition, time, account, qos, constraint, gpus and sbatch"
            raise PipelineError(f"executor: {work.stage}: Slurm refused the job ({refusal}) — see {fields}")


def _most_jobs(settings: ExecutorSettings) -> int:
    """Jobs that an array may hold: as set, else as the cluster says."""
    if settings.max_array_size:
        return settings.max_array_size
    said = re.search(r"^MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config").stdout, re.MULTILINE)
    return max(1, int(said[1])) if said else USUAL_ARRAY  # the largest index is one less


def _failure(work: Work, array: RankArray, rank: int) -> Failure:
    """Why a rank of an array did not finish: by its own record, else by what its job wrote."""
    recorded = read_failure(work.logs, rank)
    if recorded:
        return recorded
    job = array.of_jobs.index(rank) // array.tasks_per_job
    output = work.logs / "slurm_logs" / f"{array.job_id}_{job}.out"
    reason, passes = how_it_ended(output, rank_log(work.logs, rank).exists())
    log = output if output.exists() else rank_log(work.logs, rank)
    return of_death(reason, passes, log, work.logs, rank, work.part_of)


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
