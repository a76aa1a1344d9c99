"""Cohorts of proxies: how many tokens a second, and how much of the device's peak.

    .venv/bin/python benchmarks/swarm.py gpu     # S = 1, 8, 32, 128 at four sizes; a swarm of 512 from that
    .venv/bin/python benchmarks/swarm.py full    # 512 proxies of 1M at 20 tokens a parameter, really trained
    .venv/bin/python benchmarks/swarm.py cpu     # one proxy against a plain PyTorch loop; one or two threads
    .venv/bin/python benchmarks/swarm.py loader  # batches of a cohort, without training

Tokens are drawn at random by Zipf's law: speed does not depend on what they say. Everything goes the way that training
goes: memory-mapped files, batches drawn by mixes, the loader's thread, one step over the cohort.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from plain_proxy import Plain
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn import functional as F

from mixes.errors import MixError
from mixes.proxy.device import is_out_of_memory, prepare_device, release_memory
from mixes.proxy.feed import Feed
from mixes.proxy.memory import choose_cohort
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings, Shape
from mixes.proxy.tokens import Batches, DomainTokens, Member
from mixes.proxy.train import BETAS, CLIP, learn, optimiser_of, program_of, train_cohort

VOCABULARY, CONTEXT = 8_192, 512  # of the GPU's part
CPU_VOCABULARY = 2_048  # of the CPU's, as on the sample
DOMAINS = 16
SIZES = ("1M", "4M", "15M", "30M")
COHORTS = (1, 8, 32, 128)
WARM, TIMED = 5, 20  # steps
SWARM = 512  # proxies of the full swarm
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}  # as the tool's workers


def domains(folder: Path, context: int, vocabulary: int, tokens: int = 4_000_000) -> dict[str, DomainTokens]:
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


def matrix_peak() -> float:
    """FLOPs a second of a large bf16 product on this GPU: what can be had, not what its maker says."""
    a, b = (torch.randn(8_192, 8_192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(20):
        torch.cuda.synchronize()
        began = time.perf_counter()
        a @ b
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * 8_192**3 / best


def speed(settings: ProxySettings, vocabulary: int, cohort: int, folder: Path, compiled: bool) -> tuple[float, float]:
    """Tokens a second over all proxies, and the share of the time spent waiting for data."""
    device = prepare_device(settings)
    streams = domains(folder, settings.context, vocabulary)
    batches = Batches(members(cohort), streams, WARM + TIMED, settings.batch, vocabulary)
    proxies = Proxies(settings.shape, vocabulary, settings.context, [0] * cohort).to(device)
    optimiser, program = optimiser_of(proxies, settings), program_of(proxies, device, compiled)
    with Feed(batches.from_step(0), device) as feed:
        for step, tokens in enumerate(feed):
            learn(proxies, program, tokens)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            if step == WARM - 1:
                _finish(device)
                began, waited = time.perf_counter(), feed.waited
        _finish(device)
        seconds = time.perf_counter() - began
        waited = feed.waited - waited
    return cohort * TIMED * settings.batch * settings.context / seconds, waited / seconds


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def gpu(folder: Path, console: Console) -> None:
    """Sizes and cohorts."""
    if not torch.cuda.is_available():
        console.print("no GPU is here: run `.venv/bin/python benchmarks/swarm.py gpu` where one is")
        return
    peak = matrix_peak()
    console.print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, bf16 peak {peak / 1e12:.0f} TFLOP/s")
    table = Table("size", "batch", "S", "tokens/s", "of the peak", "against S = 1", "waiting for data")
    best_small = 0.0
    for size in SIZES:
        settings = ProxySettings(size=size, context=CONTEXT, device="cuda")
        work = flops_a_token(settings.shape, VOCABULARY, CONTEXT)
        first = 0.0
        for cohort, compiled in ((1, False), *((cohort, True) for cohort in COHORTS)):
            name = f"{cohort}" + ("" if compiled else ", not compiled")
            row = (size, f"{settings.batch} × {CONTEXT}", name)
            try:
                found, waited = speed(settings, VOCABULARY, cohort, folder, compiled)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                found = 0.0
            release_memory()
            torch.compiler.reset()
            if not found:
                table.add_row(*row, "does not fit", "", "", "")
                continue
            first = found if cohort == 1 and compiled else first
            against = f"{found / first:.2f} ×" if first else ""
            table.add_row(*row, f"{found:,.0f}", f"{found * work / peak:.1%}", against, f"{waited:.1%}")
            best_small = max(best_small, found if size == "1M" else 0)
    console.print(table)
    small = ProxySettings(size="1M", context=CONTEXT)
    tokens = SWARM * small.tokens
    floor = tokens * flops_a_token(small.shape, VOCABULARY, CONTEXT) / peak
    console.print(f"{SWARM} proxies of 1M, {tokens:,} tokens: {tokens / best_small:,.0f} s; at the peak {floor:,.0f} s")


def full(folder: Path, console: Console) -> None:
    """The whole swarm of 512."""
    if not torch.cuda.is_available():
        console.print("no GPU is here: run `.venv/bin/python benchmarks/swarm.py full` where one is")
        return
    settings = ProxySettings(size="1M", context=CONTEXT, device="cuda")
    peak = matrix_peak()
    size = min(128, choose_cohort(settings, VOCABULARY, torch.cuda.mem_get_info()[0]))
    streams, everyone = domains(folder, CONTEXT, VOCABULARY, tokens=30_000_000), members(SWARM)
    began = time.perf_counter()
    for start in range(0, SWARM, size):
        train_cohort(settings, everyone[start : start + size], streams, VOCABULARY, say=console.print)
    seconds = time.perf_counter() - began
    floor = SWARM * settings.tokens * flops_a_token(settings.shape, VOCABULARY, CONTEXT) / peak
    console.print(
        f"{SWARM} proxies of 1M in cohorts of {size}: {seconds:,.0f} s; the arithmetic floor is {floor:,.0f} s"
    )


def plain_speed(settings: ProxySettings, vocabulary: int, folder: Path) -> float:
    """Tokens a second of a plain loop: the same batches, no thread, logits whole, AdamW as it comes."""
    batches = Batches(
        members(1), domains(folder, settings.context, vocabulary), WARM + TIMED, settings.batch, vocabulary
    )
    model = Plain(settings.shape, vocabulary, settings.context)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, betas=BETAS)
    for step, rows in enumerate(batches.from_step(0)):
        if step == WARM:
            began = time.perf_counter()
        tokens = torch.from_numpy(rows[0]).long()
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimiser.step()
        optimiser.zero_grad()
    return TIMED * settings.batch * settings.context / (time.perf_counter() - began)


def cpu(folder: Path, console: Console) -> None:
    """Five paired runs against the plain loop, then workers against threads."""
    settings = ProxySettings()
    torch.set_num_threads(1)
    table = Table("pair", "plain loop", "cohort of 1", "ratio", title="Tokens a second, 200k, one thread")
    pairs = []
    for number in range(5):
        pairs.append(
            (plain_speed(settings, CPU_VOCABULARY, folder), speed(settings, CPU_VOCABULARY, 1, folder, False)[0])
        )
        plain, ours = pairs[-1]
        table.add_row(str(number + 1), f"{plain:,.0f}", f"{ours:,.0f}", f"{ours / plain:.2f}")
    plain, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    table.add_row("median", f"{plain:,.0f}", f"{ours:,.0f}", f"{ours / plain:.2f}")
    console.print(table)
    table = Table("", "tokens/s in all", title="Two cores")
    for name, workers, threads in (("two workers of one thread", 2, 1), ("one worker of two threads", 1, 2)):
        words = [sys.executable, __file__, "worker", "--folder", str(folder), "--threads", str(threads)]
        running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
        table.add_row(name, f"{sum(float(process.communicate()[0]) for process in running):,.0f}")
    console.print(table)


def worker(folder: Path, threads: int) -> None:
    """One of several that run at once: prints its tokens a second over ten measurements."""
    settings, device = ProxySettings(), torch.device("cpu")
    torch.set_num_threads(threads)
    batches = Batches(members(1), domains(folder, 256, CPU_VOCABULARY), 10 * TIMED, settings.batch, CPU_VOCABULARY)
    proxies = Proxies(settings.shape, CPU_VOCABULARY, settings.context, [0])
    optimiser, program = optimiser_of(proxies, settings), program_of(proxies, device, compiled=False)
    with Feed(batches.from_step(0), device) as feed:
        for step, tokens in enumerate(feed):
            if step == WARM:
                began = time.perf_counter()
            learn(proxies, program, tokens)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    print((10 * TIMED - WARM) * settings.batch * settings.context / (time.perf_counter() - began))


def loader(folder: Path, console: Console) -> None:
    """How fast batches are drawn and read, on one core."""
    table = Table("size", "S", "a step", "tokens/s", title="Batches alone")
    for size in SIZES:
        settings = ProxySettings(size=size, context=CONTEXT)
        for cohort in COHORTS:
            batches = Batches(members(cohort), domains(folder, CONTEXT, VOCABULARY), 6, settings.batch, VOCABULARY)
            began = time.perf_counter()
            for _ in batches.from_step(0):
                pass
            step = (time.perf_counter() - began) / 6
            tokens = cohort * settings.batch * CONTEXT
            table.add_row(size, str(cohort), f"{1_000 * step:.1f} ms", f"{tokens / step:,.0f}")
    console.print(table)


def main() -> None:
    """Run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["gpu", "full", "cpu", "loader", "worker"])
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not os.environ.keys() >= MALLOC.keys():  # read when a process starts
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MALLOC})
    if given.what == "worker":
        return worker(given.folder, given.threads)
    parts = {"gpu": gpu, "full": full, "cpu": cpu, "loader": loader}
    with tempfile.TemporaryDirectory() as folder:
        try:
            parts[given.what](Path(folder), Console(width=120))
        except MixError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
