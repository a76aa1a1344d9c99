"""How fast proxies train: what benchmarks/swarm.py measures, and on how much."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from plain_proxy import Plain
from torch import nn
from torch.nn import functional as F

from mixes.proxy.device import prepare_device
from mixes.proxy.feed import Feed
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings, Shape
from mixes.proxy.tokens import Batches, DomainTokens, Member
from mixes.proxy.train import BETAS, CLIP, learn, optimiser_of, program_of

VOCABULARY = 8_192  # of the GPU's part
CPU_VOCABULARY = 2_048  # of the CPU's, as on the sample
DOMAINS = 16


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    device: str = "cuda"
    sizes: tuple[str, ...] = ("1M", "4M", "15M", "30M")
    cohorts: tuple[int, ...] = (1, 8, 32, 128)
    context: int = 512
    warm: int = 5  # steps
    timed: int = 20  # at least …
    seconds: float = 3.0  # … and for about so long …
    most: int = 2_000  # … but not more
    worker_steps: int = 195  # of one that runs beside others: long, so that the start of the last does not count
    side: int = 8_192  # of the square product that the peak is measured by
    swarm: int = 512  # proxies of the full swarm
    tokens: int = 4_000_000  # of a domain

    def settings(self, size: str, **given: object) -> ProxySettings:
        """A proxy of that size."""
        return ProxySettings(size=size, context=self.context, device=self.device, **given)


TINY = Scale(
    "cpu", ("100k",), (1, 2), context=32, warm=1, timed=2, seconds=0.0, worker_steps=3, side=256, swarm=4, tokens=50_000
)


def domains(folder: Path, context: int, vocabulary: int, tokens: int) -> dict[str, DomainTokens]:
    """Random token files, one a domain."""
    found = {}
    for number in range(DOMAINS):
        path = folder / f"{number}.bin"
        if not path.exists():
            drawn = np.random.default_rng(number).zipf(1.2, size=tokens)
            (drawn % vocabulary).astype(np.uint16).tofile(path)
        found[f"d{number:02d}"] = DomainTokens(f"d{number:02d}", [path], context)
    return found


def members(count: int) -> list[Member]:
    """Different mixes, one seed."""
    drawn = np.random.default_rng(0).dirichlet(np.ones(DOMAINS), size=count)
    return [Member({f"d{i:02d}": float(w) for i, w in enumerate(mix)}, 0) for mix in drawn]


def flops_a_token(shape: Shape, vocabulary: int, context: int) -> int:
    """Of forward and backward products: six a weight, the head among them, and causal attention."""
    return 6 * (shape.non_embedding + vocabulary * shape.width) + 6 * shape.layers * shape.width * context


def matrix_peak(scale: Scale) -> float:
    """FLOPs a second of a large bf16 product on this GPU: what can be had, not what its maker says."""
    device = torch.device(scale.device)
    a, b = (torch.randn(scale.side, scale.side, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(20):
        _finish(device)
        began = time.perf_counter()
        a @ b
        _finish(device)
        best = min(best, time.perf_counter() - began)
    return 2 * scale.side**3 / best


def speed(
    settings: ProxySettings, vocabulary: int, cohort: int, folder: Path, compiled: bool, scale: Scale
) -> tuple[float, float, int]:
    """Tokens a second over all proxies, the share of the time spent waiting for data, and a GPU's memory at the peak.

    Some steps say how many more the clock then runs over, without a stop between them.
    """
    device = prepare_device(settings)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    streams = domains(folder, settings.context, vocabulary, scale.tokens)
    batches = Batches(members(cohort), streams, scale.warm + scale.timed + scale.most, settings.batch, vocabulary)
    first, last = scale.warm + scale.timed, scale.warm + scale.timed + scale.most
    proxies = Proxies(settings.shape, vocabulary, settings.context, [0] * cohort).to(device)
    optimiser, program = optimiser_of(proxies, settings), program_of(proxies, device, compiled)
    with Feed(batches.from_step(0), device) as feed:
        for step, tokens in enumerate(feed):
            learn(proxies, program, tokens)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            if step == scale.warm - 1:
                _finish(device)
                began = time.perf_counter()
            if step == first - 1:
                _finish(device)
                each = (time.perf_counter() - began) / scale.timed
                last = first + min(scale.most, max(scale.timed, int(scale.seconds / each)))
                began, waited = time.perf_counter(), feed.waited
            if step == last - 1:
                break
        _finish(device)
        seconds = time.perf_counter() - began
        waited = feed.waited - waited
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    return cohort * (last - first) * settings.batch * settings.context / seconds, waited / seconds, peak


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def plain_speed(settings: ProxySettings, vocabulary: int, folder: Path, scale: Scale) -> float:
    """Tokens a second of a plain loop: the same batches, no thread, logits whole, AdamW as it comes."""
    streams = domains(folder, settings.context, vocabulary, scale.tokens)
    first = scale.warm + scale.timed  # step that the clock starts before, as in `speed`
    batches = Batches(members(1), streams, first + scale.timed, settings.batch, vocabulary)
    model = Plain(settings.shape, vocabulary, settings.context)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, betas=BETAS)
    for step, rows in enumerate(batches.from_step(0)):
        if step == first:
            began = time.perf_counter()
        tokens = torch.from_numpy(rows[0]).long()
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        optimiser.zero_grad()
    return scale.timed * settings.batch * settings.context / (time.perf_counter() - began)
