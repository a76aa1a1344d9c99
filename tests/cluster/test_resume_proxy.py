"""A cohort that is killed goes on from its checkpoint, and ends as if nothing had happened, to the last bit."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from support import ROOT

from mixes.proxy.settings import ProxySettings
from mixes.proxy.tokens import DomainTokens, Member
from mixes.proxy.train import Trained, train_cohort

PATHS = f"{ROOT}:{ROOT / 'tests'}:{Path(__file__).parent}"
MEMBERS = [Member({"a": 0.3, "b": 0.7}, 0), Member({"a": 1.0, "b": 0.0}, 1)]


def trained(folder: Path, checkpoint: Path | None, kept: int | None, seconds: float = 1e-3) -> Trained:
    """Two proxies, 160 steps, a checkpoint at every one; `kept`: sequences that are read of domain b."""
    settings = ProxySettings(size="100k", tokens=40_960, context=32, batch=8, checkpoint_seconds=seconds)
    domains = {"a": DomainTokens("a", [folder / "a.bin"], 32), "b": DomainTokens("b", [folder / "b.bin"], 32, kept)}
    return train_cohort(settings, MEMBERS, domains, 300, checkpoint=checkpoint)


def start(folder: Path, checkpoint: Path, kept: int | None) -> subprocess.Popen:
    code = "import sys; from pathlib import Path; from test_resume_proxy import trained; "
    code += f"trained(Path(sys.argv[1]), Path(sys.argv[2]), {kept})"
    return subprocess.Popen(
        [sys.executable, "-c", code, folder, checkpoint],
        env={
            "PYTHONPATH": PATHS,
            "OMP_NUM_THREADS": "1",
            "PATH": "/usr/bin:/bin",
        },
    )


def step_of(checkpoint: Path) -> int:
    return torch.load(checkpoint, weights_only=True)["moment"]["step"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in "ab":
        rng.integers(0, 300, size=4_000).astype(np.uint16).tofile(tmp_path / f"{name}.bin")
    return tmp_path


@pytest.mark.parametrize("kept", [None, 20], ids=["all", "matched repetition"])
def test_killed_twice_and_the_same_to_the_last_bit(folder, kept):
    torch.set_num_threads(1)
    undisturbed = trained(folder, None, kept)
    checkpoint = folder / "checkpoints" / "cohort.pt"
    reached = [0]
    for delay in (0.02, 0.1):  # the first kill soon after the first checkpoint, perhaps while the next is written
        process = start(folder, checkpoint, kept)
        deadline = time.monotonic() + 120
        while not checkpoint.exists() or step_of(checkpoint) == reached[-1]:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached.append(step_of(checkpoint))
    assert 0 < reached[1] < reached[2] < 160
    (checkpoint.parent / f".{checkpoint.name}.1").write_bytes(b"half of a checkpoint")
    resumed = trained(folder, checkpoint, kept, seconds=1e9)
    assert np.array_equal(resumed.losses, undisturbed.losses)
    for ours, theirs in zip(resumed.proxies.parameters(), undisturbed.proxies.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert not [left for left in checkpoint.parent.iterdir() if left != checkpoint]


def test_without_its_checkpoint_it_would_not_be_the_same(folder):
    """The oracle can fail: from other weights the same steps end elsewhere."""
    checkpoint = folder / "cohort.pt"
    trained(folder, checkpoint, None, seconds=0.1)
    saved = torch.load(checkpoint, weights_only=True)
    assert 0 < saved["moment"]["step"] < 160
    saved["weights"]["gain"] *= 1.001
    torch.save(saved, checkpoint)
    assert not np.array_equal(trained(folder, checkpoint, None).losses, trained(folder, None, None).losses)
