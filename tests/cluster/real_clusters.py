"""A Slurm of one node and a Ray cluster on loopback, real ones, and how tests wait for what runs there."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from slurm_node import missing, slurm
from support import ROOT

from mixes.proxy.malloc import MALLOC

# Read once, when Ray is imported: ports on loopback, and a token of these tests' own.
os.environ.update(RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))

PATHS = f"{ROOT}:{ROOT / 'tests'}:{Path(__file__).parent}"
GPUS = 2
SLURM = {"kind": "slurm", "partition": "cpu", "time": "00:10:00", "mem_per_cpu_gb": 1}


def until(ready: Callable[[], object], process: subprocess.Popen, folder: Path) -> None:
    deadline = time.monotonic() + 90
    while not ready():
        assert process.poll() is None, (folder / "stderr").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def slurm_cluster() -> Iterator[None]:
    """A Slurm cluster of one node, for this process."""
    if missing():
        pytest.skip(
            f"no Slurm here ({', '.join(missing())} not installed): `make slurm` installs it on Debian, as root"
        )
    with slurm() as env, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        for name, value in env.items():
            patch.setenv(name, value)
        yield


@contextmanager
def ray_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Ray cluster on loopback, with a token and folders of its own; yields its address."""
    ray = shutil.which("ray", path=str(Path(sys.executable).parent))
    if not ray:
        pytest.skip("no Ray here: `pip install ray`")
    sockets = tempfile.mkdtemp(prefix="ray-")  # whose paths must be short
    settings = {"HOME": str(tmp_path), "RAY_TMPDIR": sockets, "RAY_USAGE_STATS_ENABLED": "0"}
    settings["PYTHONPATH"] = PATHS
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for name in MALLOC:
        monkeypatch.delenv(name, raising=False)  # that earlier tests have set; the cluster must get it from ours
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    words.append(f"--num-gpus={GPUS}")  # declared, not counted: Ray hands out their numbers and asks no driver
    with (tmp_path / "ray.log").open("wb") as log:
        process = subprocess.Popen([ray, "start", *words], stdout=log, stderr=log)
    try:
        until(lambda: "Ray runtime started" in (tmp_path / "ray.log").read_text(), process, tmp_path)
        yield f"127.0.0.1:{port}"
    finally:
        import ray

        ray.shutdown()
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(sockets, ignore_errors=True)
