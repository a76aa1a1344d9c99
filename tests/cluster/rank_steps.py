"""Steps whose ranks do what a test wants, and one test of failing ranks that every executor has to pass."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from datatrove.pipeline.base import PipelineStep
from real_clusters import PATHS

from mixes.proxy.malloc import MALLOC
from pipeline.errors import PipelineError, RanksFailed
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings


class Step(PipelineStep):
    """A step with a folder."""

    type = "test"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.name = folder, type(self).__name__.lower()

    def run(self, data=None, rank: int = 0, world_size: int = 1):
        self.work(rank, world_size)
        return iter(())


class Beating(Step):
    """Touches a file for two minutes."""

    def work(self, rank: int, world_size: int) -> None:
        for _ in range(1_200):
            (self.folder / f"beat-{rank}").touch()
            time.sleep(0.1)


class Placed(Step):
    """Writes which GPUs a rank may use, and waits until another rank has: the two run at once."""

    def work(self, rank: int, world_size: int) -> None:
        (self.folder / f"gpu-{rank}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
        deadline = time.monotonic() + 60
        while len(list(self.folder.glob("gpu-*"))) < world_size:
            assert time.monotonic() < deadline, "the other rank never ran"
            time.sleep(0.05)


class Signed(Step):
    """Writes which process it runs in, and whether that process started with malloc's settings."""

    def work(self, rank: int, world_size: int) -> None:
        started_with = Path("/proc/self/environ").read_bytes()  # what malloc has read, not what Python changed since
        told = all(f"{name}={value}".encode() in started_with for name, value in MALLOC.items())
        (self.folder / f"signed-{rank}").write_text(f"{os.getpid()} {told}")


class Failing(Step):
    """Fails as `plan` says of a rank: (how, how many times). It counts tries, and fails no more once it is mended."""

    def __init__(self, folder: Path, plan: dict[int, tuple[str, int]]) -> None:
        super().__init__(folder)
        self.plan = plan

    def work(self, rank: int, world_size: int) -> None:
        with (self.folder / f"tries-{rank}").open("a") as file:
            file.write("x")
        how, times = self.plan.get(rank, ("", 0))
        if (self.folder / "mended").exists() or tries(self.folder, rank) > times:
            return
        if how == "mistake":
            raise PipelineError("sources.x: this shard is bad")
        if how == "bug":
            raise KeyError("a bug")
        if how == "connection":
            raise ConnectionResetError("the server is gone")
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "cancelled":
            task = f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
            subprocess.run(["scancel", task], check=True)
            time.sleep(60)
        raise AssertionError(how)


def tries(folder: Path, rank: int) -> int:
    file = folder / f"tries-{rank}"
    return len(file.read_text()) if file.exists() else 0


def shard_of(rank: int) -> str:
    return f"web/{rank}.warc.gz"


def check_failing_ranks(folder: Path, settings: ExecutorSettings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What ends a rank for good, what is tried again, what is kept, and what the same command then runs; returns what
    was noted meanwhile."""
    monkeypatch.setenv("PYTHONPATH", PATHS)
    monkeypatch.setattr("pipeline.executor.run.BACK_OFF", 0.1)
    plan = {1: ("mistake", 9), 2: ("connection", 2), 3: ("connection", 9), 4: ("killed", 1), 5: ("bug", 9)}
    notes: list[str] = []

    def run() -> None:
        logs = folder / "logs"
        run_steps("filter", [Failing(folder, plan)], 7, logs, settings, part_of=shard_of, note=notes.append)

    with pytest.raises(RanksFailed) as raised:
        run()
    told = str(raised.value)
    assert "\n" not in told
    assert (
        f"filter: 3 of 7 ranks failed on {settings.kind} (1, 3, 5): rank 1 (web/1.warc.gz) failed: sources.x: " in told
    )
    assert "rank 3 (web/3.warc.gz) failed: ConnectionResetError: the server is gone (3 tries)" in told
    assert "rank 5 (web/5.warc.gz) failed: KeyError: 'a bug' [rank_steps.py:" in told
    assert "logs/task_00003.log" in told
    assert told.endswith("4 ranks of 7 are finished and kept; the same command runs the others")
    before = [tries(folder, rank) for rank in range(7)]
    assert before == [1, 1, 3, 3, 2, 1, 1]
    (folder / "mended").touch()
    run()
    assert [tries(folder, rank) - count for rank, count in enumerate(before)] == [0, 1, 0, 1, 0, 1, 0]
    assert not (folder / "logs" / "failed").exists()
    assert any(line.startswith("filter: rank 1 (web/1.warc.gz) failed: sources.x: ") for line in notes)
    assert any("will be run again in 0 s (try 2 of 3)" in line for line in notes)
    return notes
