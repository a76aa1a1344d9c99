"""Ranks as processes of this machine: any number of workers, and any kill, leaves the same bytes."""

import contextlib
import errno
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest
from filtering import LOCAL, RANKS, completed, experiment, filtered, kill, start
from rank_steps import Failing, Signed, Step, check_failing_ranks, shard_of, tries
from real_clusters import PATHS, until

from flows.errors import failed_ranks
from pipeline.errors import RanksFailed, RankTraceback
from pipeline.executor.failure import read_failures
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.check_tokens import DamagedTokens


@pytest.mark.parametrize("workers", [2, 4])
def test_any_number_of_workers_makes_the_same_bytes(tiny, tmp_path, truth, workers):
    assert filtered(experiment(tiny, tmp_path, {**LOCAL, "workers": workers})) == truth


def test_killed_at_three_random_moments(tiny, tmp_path, truth):
    path = experiment(tiny, tmp_path, LOCAL)
    rng = random.Random(5)
    for ranks in sorted(rng.sample(range(1, RANKS - 1), 3)):
        process = start(path)
        until(lambda ranks=ranks: len(completed(tmp_path)) >= ranks, process, tmp_path)
        time.sleep(rng.uniform(0, 0.3))
        kill(process, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        left = completed(tmp_path)
        assert ranks <= len(left) < RANKS
    assert filtered(path) == truth
    (stage,) = (tmp_path / "work" / "stages").glob("filter-*")
    kept = {rank: (stage / "documents" / f"{rank}.parquet").stat().st_mtime_ns for rank in left}
    assert kept == left  # what was completed was not made again


@pytest.mark.parametrize("gpus", [0, 1])
def test_ranks_end_with_a_driver_that_is_killed(tmp_path, gpus):
    code = "import sys; from pathlib import Path; from rank_steps import *; folder = Path(sys.argv[1]); "
    code += f"run_steps('filter', [Beating(folder)], 2, folder / 'logs', ExecutorSettings(workers=2), gpus={gpus})"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], start_new_session=True,
        env={**os.environ, "PYTHONPATH": PATHS}, stderr=(tmp_path / "stderr").open("wb"),
    )  # fmt: skip

    def beats() -> list[int]:
        return [beat.stat().st_mtime_ns for beat in sorted(tmp_path.glob("beat-*"))]

    try:
        until(lambda: len(beats()) == 2, process, tmp_path)
        process.kill()  # it alone, as the kernel does where memory is short
        process.wait()
        deadline, seen = time.monotonic() + 60, []
        while seen != (seen := beats()):
            assert time.monotonic() < deadline, "its ranks go on"
            time.sleep(3)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_rank_on_a_gpu_never_runs_in_the_driver(tmp_path, monkeypatch):
    """What the driver forks later would hold the GPU's memory."""
    monkeypatch.setenv("PYTHONPATH", PATHS)
    drivers = []
    for gpus in (0, 1):
        run_steps("swarm", [Signed(tmp_path)], 1, tmp_path / f"logs-{gpus}", ExecutorSettings(workers=1), gpus=gpus)
        drivers.append((tmp_path / "signed-0").read_text().split()[0] == str(os.getpid()))
    assert drivers == [True, False]


def test_ranks_that_fail(tmp_path, monkeypatch):
    check_failing_ranks(tmp_path, ExecutorSettings(workers=2), monkeypatch)


def test_every_process_of_a_crew_is_killed_and_each_rank_runs_once_more(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", PATHS)
    monkeypatch.setattr("pipeline.executor.run.BACK_OFF", 0.1)
    plan = {rank: ("killed", 1) for rank in range(6)}
    run_steps("filter", [Failing(tmp_path, plan)], 6, tmp_path / "logs", ExecutorSettings(workers=3))
    assert [tries(tmp_path, rank) for rank in range(6)] == [2] * 6


def test_no_retries_where_none_are_wanted(tmp_path):
    step = Failing(tmp_path, {0: ("connection", 9)})
    with pytest.raises(RanksFailed, match=r"^filter: rank 0 \(web/0.warc.gz\) failed: ConnectionResetError: "):
        run_steps("filter", [step], 1, tmp_path / "logs", ExecutorSettings(workers=1, retries=0), part_of=shard_of)
    assert tries(tmp_path, 0) == 1
    (failure,) = read_failures(tmp_path / "logs")
    assert (failure.rank, failure.part, failure.log) == (0, "web/0.warc.gz", "logs/task_00000.log")


class Raising(Step):
    """Raises an error."""

    def __init__(self, folder, error: Exception) -> None:
        super().__init__(folder)
        self.error = error

    def work(self, rank: int, world_size: int) -> None:
        (self.folder / f"tries-{rank}").write_text("x")
        raise self.error


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_stops_the_stage_and_a_bug_shows_its_traceback_where_asked(tmp_path, monkeypatch, workers):
    monkeypatch.setenv("PYTHONPATH", PATHS)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/x")
    with pytest.raises(RanksFailed) as raised:
        run_steps("filter", [Raising(tmp_path, full)], 50, tmp_path / "full", ExecutorSettings(workers=workers))
    line, code = failed_ranks(raised.value)
    first = r"filter: rank [01]: the disk is full: /data/x — once that is mended, the same command goes on"
    assert re.match(first, line), line  # whichever of the first two was there first
    assert code == 1
    assert sum(tries(tmp_path, rank) for rank in range(50)) <= workers + 1
    with pytest.raises(RanksFailed) as raised:
        run_steps("filter", [Raising(tmp_path, KeyError("a"))], 1, tmp_path / "bug", ExecutorSettings(workers=workers))
    assert isinstance(raised.value.__cause__, RankTraceback)
    assert "raise self.error" in str(raised.value.__cause__)
    assert failed_ranks(raised.value) == (str(raised.value), 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_that_somebody_can_mend_comes_as_the_rank_raised_it(tmp_path, monkeypatch, workers):
    monkeypatch.setenv("PYTHONPATH", PATHS)
    step = Raising(tmp_path, DamagedTokens("tokenise-1", "tokens/0 is not what was written"))
    with pytest.raises(DamagedTokens) as raised:
        run_steps("blend", [step], 1, tmp_path / "logs", ExecutorSettings(workers=workers))
    assert (raised.value.stage, raised.value.reason) == ("tokenise-1", "tokens/0 is not what was written")
