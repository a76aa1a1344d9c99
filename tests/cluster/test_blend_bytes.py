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
from support import ROOT, mixwright

ASKED = ("--tokens", "150k", "--shard", "15k", "--format", "megatron")


def with_workers(folder: Path, workers: int) -> str:
    """An experiment file whose executor has so many workers; the pool and the recommendation are the same."""
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
    assert len([name for name in undisturbed if name.endswith(".bin")]) == 10
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
