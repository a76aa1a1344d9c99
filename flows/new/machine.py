"""How fast this machine would train proxies, told in a second: products of matrices on its cores, or its GPU's name.

`mixwright plan` measures what is only estimated here. Does not import torch.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mixes.proxy.devices import PUBLISHED, named_device
from mixes.proxy.settings import ProxySettings

SECONDS = 0.4  # for which products are timed
ROWS, WIDTH, HIDDEN = 2_048, 96, 256  # of the timed product: a step of a proxy of 200k
# Training's share of the speed of such products on all cores. Measured on two cores of an AMD EPYC with AVX-512: 0.52
# at 100k, 0.57 at 200k, 0.62 at 1M, 0.65 at 4M; on another kind of core it is assumed to be the same.
REACHED = 0.55
UNKNOWN_GPU = "l4"  # what a GPU that is not in the list is taken for (assumed: few are slower)


@dataclass(frozen=True)
class Machine:
    """What proxies would train on here."""

    name: str  # `2 cores`, `2 × NVIDIA H100`
    device: str  # cpu or cuda, as `proxy.device`
    cores: int
    speed: Callable[[ProxySettings, int, int], float]  # (settings, vocabulary, proxies) → FLOPs per second in all
    note: str = ""  # what was assumed


def this_machine() -> Machine:
    """The GPUs that torch could use here, or the cores."""
    cores = os.cpu_count() or 1
    names, note = _gpus()
    if names:
        known = _published(names[0])
        count = len(names)

        def on_gpu(settings: ProxySettings, vocabulary: int, proxies: int) -> float:
            device = named_device(known or UNKNOWN_GPU, settings, vocabulary, proxies, min(count, proxies))
            return device.speed * device.workers

        if not known:
            note = f"{names[0]} is not a known GPU and is taken to be as fast as an {UNKNOWN_GPU.upper()}."
        return Machine(f"{count} × {names[0]}" if count > 1 else names[0], "cuda", cores, on_gpu, note)
    flops = REACHED * _products_per_second(cores)
    name = f"{cores} CPU core{'s' if cores > 1 else ''}"
    return Machine(name, "cpu", cores, lambda *_: flops, note)


def _products_per_second(cores: int) -> float:
    """FLOPs per second of small products of matrices, one thread on each core."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    left, right = np.ones((ROWS, WIDTH), np.float32), np.ones((WIDTH, HIDDEN), np.float32)

    def work(_: int) -> float:
        out = np.empty((ROWS, HIDDEN), np.float32)
        np.matmul(left, right, out=out)
        began, products = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < SECONDS:
            np.matmul(left, right, out=out)
            products += 1
        return 2 * ROWS * WIDTH * HIDDEN * products / passed

    with threadpool_limits(1), ThreadPoolExecutor(cores) as threads:
        return sum(threads.map(work, range(cores)))


def _gpus() -> tuple[list[str], str]:
    """Names of the GPUs that torch could use, and what to say where it cannot."""
    command = shutil.which("nvidia-smi")
    if not command:
        return [], ""
    try:
        done = subprocess.run(
            [command, "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return [], ""
    names = [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = names[: len([number for number in visible.split(",") if number.strip() not in ("", "-1")])]
    if names and not _torch_has_cuda():
        return [], f"This torch is built without CUDA, so the {names[0]} is left out of account."
    return names, ""


def _torch_has_cuda() -> bool:
    """Whether torch was built for NVIDIA's GPUs, by its version file: importing it takes seconds."""
    spec = find_spec("torch")
    if not spec or not spec.origin:
        return False
    try:
        version = (Path(spec.origin).parent / "version.py").read_text()
    except OSError:
        return False
    return re.search(r"^cuda\b[^=]*=\s*['\"]", version, re.MULTILINE) is not None


def _published(name: str) -> str | None:
    """The GPU's name among those whose speed is known."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())
    form = "-nvl" if "nvl" in plain else "-pcie" if "pcie" in plain else ""
    matches = [known for known in PUBLISHED if re.search(rf"(^|-){known.partition('-')[0]}(-|$)", plain)]
    exact = [known for known in matches if form and known.endswith(form)]
    plainer = [known for known in matches if "-" not in known]
    return next(iter(exact or plainer), None)
