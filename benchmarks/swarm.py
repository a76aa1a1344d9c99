"""Cohorts of proxies: how many tokens a second, and how much of the device's peak.

    .venv/bin/python benchmarks/swarm.py gpu     # S = 1, 8, 32, 128 at four sizes; a swarm of 512 from that
    .venv/bin/python benchmarks/swarm.py gpu --sizes 15M 30M --cohorts 1    # some cells of it
    .venv/bin/python benchmarks/swarm.py full    # 512 proxies of 1M at 20 tokens a parameter, really trained
    .venv/bin/python benchmarks/swarm.py cpu     # one proxy against a plain PyTorch loop; one or two threads
    .venv/bin/python benchmarks/swarm.py loader  # batches of a cohort, without training
    .venv/bin/python benchmarks/swarm.py scoring --suite build/work/stages/suite-…  # a tokenised suite, beside training

Speeds are wall-clock, so they want a machine that does nothing else; `cpu` prints its load. `--tiny` runs any of them
through in seconds, on a CPU: to see that it works, not for its numbers.

Tokens are drawn at random by Zipf's law: speed does not depend on what they say. Everything goes the way that training
goes: memory-mapped files, batches drawn by mixes, the loader's thread, one step over the cohort. Only `scoring` takes
real items, whose lengths matter.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from proxy_speed import (
    CPU_VOCABULARY,
    TINY,
    VOCABULARY,
    Scale,
    domains,
    flops_a_token,
    matrix_peak,
    members,
    plain_speed,
    speed,
)
from rich.console import Console
from rich.table import Table

from mixes.errors import MixError
from mixes.proxy.device import is_out_of_memory, release_memory
from mixes.proxy.evaluate import item_bpb
from mixes.proxy.feed import Feed
from mixes.proxy.malloc import MALLOC
from mixes.proxy.memory import SLICE, bytes_a_proxy, choose_cohort
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings
from mixes.proxy.speed import measure_speed
from mixes.proxy.tokens import Batches
from mixes.proxy.train import learn, optimiser_of, program_of, train_cohort
from pipeline.suite import read_items

PAIRS = 5
HOPELESS = 1.5  # times the free memory that a cohort may be counted to need; the count has half as much again in it


def is_missing(scale: Scale, what: str, console: Console) -> bool:
    """Whether there is no GPU; says so."""
    missing = scale.device == "cuda" and not torch.cuda.is_available()
    if missing:
        console.print(f"no GPU is here: run `.venv/bin/python benchmarks/swarm.py {what}` where one is")
    return missing


def gpu(folder: Path, console: Console, scale: Scale) -> None:
    """Sizes and cohorts."""
    if is_missing(scale, "gpu", console):
        return
    peak = matrix_peak(scale)
    device = torch.cuda.get_device_name() if scale.device == "cuda" else "a CPU, to see that it runs"
    console.print(f"{device}, torch {torch.__version__}, bf16 peak {peak / 1e12:.3g} TFLOP/s")
    table = Table(
        "size", "batch", "S", "tokens/s", "of the peak", "against S = 1", "waiting for data", "memory", "of counted"
    )
    best: dict[str, float] = {}
    for size in scale.sizes:
        settings, first = scale.settings(size), 0.0
        work = flops_a_token(settings.shape, VOCABULARY, scale.context)
        for cohort, compiled in ((1, False), *((cohort, True) for cohort in scale.cohorts)):
            name = f"{cohort}" + ("" if compiled else ", not compiled")
            found, waited, taken, said = measured(settings, cohort, folder, compiled, scale)
            first = found if cohort == 1 and compiled else first
            best[size] = max(best.get(size, 0.0), found)
            against = f"{found / first:.2f} ×" if first and found else ""
            counted = cohort * bytes_a_proxy(settings, VOCABULARY) + SLICE
            memory = (f"{taken / 2**30:.1f} GiB", f"{taken / counted:.0%}")
            numbers = (f"{found:,.0f}", f"{found * work / peak:.1%}", against, f"{waited:.1%}", *memory)
            row = (size, f"{settings.batch} × {scale.context}", name, *(numbers if found else (said, *[""] * 5)))
            table.add_row(*row)
            console.print("  ".join(row))  # now: what comes after it may end this process
    console.print(table)
    small = scale.settings(scale.sizes[0])
    tokens = scale.swarm * small.tokens
    floor = tokens * flops_a_token(small.shape, VOCABULARY, scale.context) / peak
    if fastest := best[small.size]:
        seconds = f"{tokens / fastest:,.0f} s; at the peak {floor:,.0f} s"
        console.print(f"{scale.swarm} proxies of {small.size}, {tokens:,} tokens: {seconds}")


def measured(
    settings: ProxySettings, cohort: int, folder: Path, compiled: bool, scale: Scale
) -> tuple[float, float, int, str]:
    """Tokens a second, share of waiting, memory at the peak, and where there is no speed why."""
    on_gpu = scale.device == "cuda"
    if on_gpu and cohort * bytes_a_proxy(settings, VOCABULARY) > HOPELESS * torch.cuda.mem_get_info()[0]:
        return 0.0, 0.0, 0, "would not fit"
    try:
        return *speed(settings, VOCABULARY, cohort, folder, compiled and on_gpu, scale), ""
    except Exception as error:  # a cell that fails must not cost the others
        return 0.0, 0.0, 0, "does not fit" if is_out_of_memory(error) else f"{type(error).__name__}: {error}"[:60]
    finally:
        release_memory()
        torch.compiler.reset()


def full(folder: Path, console: Console, scale: Scale) -> None:
    """The whole swarm of 512."""
    if is_missing(scale, "full", console):
        return
    tiny = scale is TINY
    settings = scale.settings(scale.sizes[0], **({"tokens": 4_096, "batch": 8} if tiny else {}))
    peak = matrix_peak(scale)
    size = 2 if tiny else min(128, choose_cohort(settings, VOCABULARY, torch.cuda.mem_get_info()[0]))
    streams = domains(folder, scale.context, VOCABULARY, scale.tokens if tiny else 30_000_000)
    everyone = members(scale.swarm)
    began = time.perf_counter()
    for start in range(0, scale.swarm, size):
        train_cohort(settings, everyone[start : start + size], streams, VOCABULARY, say=console.print)
    seconds = time.perf_counter() - began
    floor = scale.swarm * settings.tokens * flops_a_token(settings.shape, VOCABULARY, scale.context) / peak
    console.print(
        f"{scale.swarm} proxies of {settings.size} in cohorts of {size}: {seconds:,.0f} s; "
        f"the arithmetic floor is {floor:,.0f} s"
    )


def paired(title: str, names: tuple[str, str], measures: tuple[Callable[[], float], Callable[[], float]]) -> Table:
    """Five pairs of tokens a second, one after another; which of the two comes first alternates, so that a machine
    that gets slower favours neither. Every number, and the least, the median and the most of each column."""
    table = Table("pair", *names, f"{names[1]} ÷ {names[0]}", title=title)
    rows: list[tuple[float, float, float]] = []
    for number in range(PAIRS):
        first = number % 2
        found = {which: measures[which]() for which in (first, 1 - first)}
        rows.append((found[0], found[1], found[1] / found[0]))
        table.add_row(str(number + 1), *_shown(rows[-1]))
    table.add_section()
    for name, of in (("least", min), ("median", statistics.median), ("most", max)):
        table.add_row(name, *_shown([of(column) for column in zip(*rows, strict=True)]))
    return table


def _shown(row: Sequence[float]) -> tuple[str, str, str]:
    return f"{row[0]:,.0f}", f"{row[1]:,.0f}", f"{row[2]:.2f}"


def cpu(folder: Path, console: Console, scale: Scale) -> None:
    """Five paired runs against the plain loop, then five of workers against threads."""
    settings = ProxySettings()
    torch.set_num_threads(1)
    domains(folder, settings.context, CPU_VOCABULARY, scale.tokens)  # written before anything is timed
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    console.print(f"{os.cpu_count()} cores, torch {torch.__version__}; load before it began {load}")
    names = ("plain loop", "cohort of 1")
    measures = (
        lambda: plain_speed(settings, CPU_VOCABULARY, folder, scale),
        lambda: speed(settings, CPU_VOCABULARY, 1, folder, False, scale)[0],
    )
    console.print(paired("Tokens a second, 200k, one thread", names, measures))
    names = ("one worker, two threads", "two workers, one thread")
    measures = (lambda: in_workers(folder, 1, 2, scale), lambda: in_workers(folder, 2, 1, scale))
    console.print(paired("Tokens a second in all, 200k, two cores", names, measures))


def in_workers(folder: Path, workers: int, threads: int, scale: Scale) -> float:
    """Tokens a second of several processes at once, summed."""
    words = [sys.executable, __file__, "worker", "--folder", str(folder), "--threads", str(threads)]
    words += ["--tiny"] if scale is TINY else []
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    return sum(float(process.communicate()[0]) for process in running)


def worker(folder: Path, threads: int, scale: Scale) -> None:
    """One of several that run at once: prints its tokens a second."""
    settings, device = ProxySettings(), torch.device("cpu")
    torch.set_num_threads(threads)
    streams = domains(folder, settings.context, CPU_VOCABULARY, scale.tokens)
    batches = Batches(members(1), streams, scale.warm + scale.worker_steps, settings.batch, CPU_VOCABULARY)
    proxies = Proxies(settings.shape, CPU_VOCABULARY, settings.context, [0])
    optimiser, program = optimiser_of(proxies, settings), program_of(proxies, device, compiled=False)
    with Feed(batches.from_step(0), device) as feed:
        for step, tokens in enumerate(feed):
            if step == scale.warm:
                began = time.perf_counter()
            learn(proxies, program, tokens)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    print(scale.worker_steps * settings.batch * settings.context / (time.perf_counter() - began))


def loader(folder: Path, console: Console, scale: Scale) -> None:
    """How fast batches are drawn and read, on one core."""
    table = Table("size", "S", "a step", "tokens/s", title="Batches alone")
    for size in scale.sizes:
        settings = ProxySettings(size=size, context=scale.context)
        for cohort in scale.cohorts:
            streams = domains(folder, scale.context, VOCABULARY, scale.tokens)
            batches = Batches(members(cohort), streams, 6, settings.batch, VOCABULARY)
            began = time.perf_counter()
            for _ in batches.from_step(0):
                pass
            step = (time.perf_counter() - began) / 6
            tokens = cohort * settings.batch * scale.context
            table.add_row(size, str(cohort), f"{1_000 * step:.1f} ms", f"{tokens / step:,.0f}")
    console.print(table)


def scoring(suite: Path, console: Console, scale: Scale) -> None:
    """How long one proxy takes to score a suite, and to train on 20 tokens a parameter, both on one core."""
    items = read_items(suite)
    if (largest := max(max(item.tokens) for item in items)) >= CPU_VOCABULARY:
        raise MixError(f"--suite {suite}: holds token {largest}; take one of a tokenizer of {CPU_VOCABULARY} tokens")
    tokens = sum(len(item.tokens) for item in items)
    title = f"{len(items):,} items of {tokens:,} tokens, scored by one proxy"
    table = Table("size", "trained, tokens", "tokens/s", "training", "scoring", "of training", title=title)
    for size in scale.sizes if scale is TINY else ("200k", "1M", "4M", "15M"):
        settings = ProxySettings(size=size)
        found = measure_speed(settings, CPU_VOCABULARY, 1, 1, 1.0 if scale is TINY else 20.0).tokens
        proxies = Proxies(settings.shape, CPU_VOCABULARY, settings.context, [0])
        torch.set_num_threads(1)
        began = time.perf_counter()
        item_bpb(proxies, items)
        seconds, training = time.perf_counter() - began, settings.trained / found
        times = (f"{training:,.0f} s", f"{seconds:.1f} s", f"{seconds / training:.2%}")
        table.add_row(size, f"{settings.trained:,}", f"{found:,.0f}", *times)
    console.print(table)


def main() -> None:
    """Run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["gpu", "full", "cpu", "loader", "scoring", "worker"])
    parser.add_argument("--suite", type=Path, help="folder of a tokenised suite, for scoring")
    parser.add_argument("--tiny", action="store_true", help="run through in seconds; its numbers say nothing")
    parser.add_argument("--sizes", nargs="+", help="of gpu; all by default")
    parser.add_argument("--cohorts", nargs="+", type=int, help="of gpu; all by default")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not os.environ.keys() >= MALLOC.keys():  # read when a process starts
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MALLOC})
    scale = TINY if given.tiny else Scale()
    scale = replace(scale, sizes=given.sizes or scale.sizes, cohorts=given.cohorts or scale.cohorts)
    if given.what == "worker":
        return worker(given.folder, given.threads, scale)
    if given.what == "scoring":
        if not given.suite:
            parser.error("scoring takes --suite, the folder of a tokenised suite")
        try:
            return scoring(given.suite, Console(width=120), scale)
        except MixError as error:
            sys.exit(str(error))
    parts = {"gpu": gpu, "full": full, "cpu": cpu, "loader": loader}
    with tempfile.TemporaryDirectory() as folder:
        try:
            parts[given.what](Path(folder), Console(width=120), scale)
        except MixError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
