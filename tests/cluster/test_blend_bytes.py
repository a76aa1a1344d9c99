"""A blend is the same to the last byte from any number of workers, and after any kill; nothing half-written shows."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from paragraph_pool import paragraph_pool
from real_clusters import SLURM
from support import ROOT, mixwright
from tokenised import quiet

from pipeline.blend.blend import write_blend
from pipeline.blend.plan import Plan, Request
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool

ASKED = ("--tokens", "150k", "--shard", "15k", "--format", "megatron")


def with_workers(folder: Path, workers: int) -> str:
    """The same experiment with this number of workers; its pool and its recommendation do not change."""
    content = yaml.safe_load((folder / "experiment.yaml").read_text())
    name = f"workers-{workers}.yaml"
    (folder / name).write_text(yaml.safe_dump({**content, "executor": {"workers": workers}}))
    return name


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def undisturbed(tiny, finished) -> dict[str, str]:
    mixwright("blend", with_workers(tiny, 1), "one", *ASKED, folder=tiny)
    return contents(tiny / "one")


def test_two_and_four_workers_write_the_same(tiny, undisturbed):
    assert len([name for name in undisturbed if name.endswith(".bin")]) > 5  # some documents are longer than a shard
    for workers in (2, 4):
        mixwright("blend", with_workers(tiny, workers), f"by-{workers}", *ASKED, folder=tiny)
        assert contents(tiny / f"by-{workers}") == undisturbed


def test_killed_at_three_moments_and_the_same(tiny, undisturbed):
    """Killed with all its ranks: soon after the first index, the first piles and the first shard are there."""
    folder, drawn = tiny / "killed", random.Random(5)
    name = with_workers(tiny, 2)
    for step, pattern in (("index", "*.npy"), ("piles", "*.items.npy"), ("shards", "[0-9]*")):
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "blend", name, "killed", *ASKED], cwd=tiny, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 120
        while not list((folder / ".blend" / step).glob(pattern)):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(drawn.uniform(0, 0.05))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert {path.name for path in folder.iterdir()} == {".blend"}
    mixwright("blend", name, "killed", *ASKED, folder=tiny)
    assert contents(folder) == undisturbed


def blend_of_paragraphs(pool: Pool, folder: Path, executor: ExecutorSettings) -> dict[str, str]:
    mix = {"guide": 0.4, "log": 0.6}
    plan = Plan(Request("recommendation-1", "experiment-1", mix, 60_000, "datatrove", 7, 20_000, None, {}), pool)
    write_blend(plan, folder, executor, lambda _, work: work(quiet))
    return contents(folder)


def test_slurm_writes_the_same(tmp_path, nodes):
    pool = paragraph_pool(tmp_path / "pool")
    here = blend_of_paragraphs(pool, tmp_path / "here", ExecutorSettings(workers=1))
    assert blend_of_paragraphs(pool, tmp_path / "there", ExecutorSettings(**SLURM, workers=2)) == here


@pytest.mark.filterwarnings("ignore:placement_group:DeprecationWarning")
def test_ray_writes_the_same(tmp_path, head):
    pool = paragraph_pool(tmp_path / "pool")
    here = blend_of_paragraphs(pool, tmp_path / "here", ExecutorSettings(workers=1))
    ray = ExecutorSettings(kind="ray", mem_per_cpu_gb=1, address=head)
    assert blend_of_paragraphs(pool, tmp_path / "there", ray) == here
