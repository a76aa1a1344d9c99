"""How fast this machine trains proxies, by training some for a moment: throw-away weights, tokens drawn at random.

As many processes train at once as would in a swarm, since those of one machine share its memory's bandwidth and its
clock: on a CPU one thread each, on GPUs one process per GPU with a whole cohort. They meet after their warm-up, which
on a GPU is the compiler's, and are timed together.
"""

import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any

import torch

from mixes.errors import MixError
from mixes.proxy.device import count_gpus, free_memory, is_out_of_memory, prepare_device
from mixes.proxy.malloc import MALLOC
from mixes.proxy.memory import choose_cohort, choose_parts
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings
from mixes.proxy.train import learn, optimiser_of, program_of

SLOWEST = 0.25  # share of the time: a step that takes longer on a CPU is timed on fewer sequences
WARM, TOGETHER = 3, 5  # steps before the clock starts; steps between looks at it
MEETING = 900.0  # seconds after which processes that wait for one another give up; a compiler may take minutes


@dataclass(frozen=True)
class Speed:
    """A measured speed."""

    tokens: float  # per second, trained by all workers together
    workers: int  # side by side
    cohort: int  # proxies of each
    batch: int  # sequences of a timed step; fewer than in training where a whole one would take too long
    share: (
        float  # of a core that each worker had; clearly below 1, other work ran. 1 on GPUs, where it cannot be measured
    )


def measure_speed(settings: ProxySettings, vocabulary: int, proxies: int, workers: int, seconds: float) -> Speed:
    """Train as many cohorts side by side as `workers` would for that many `proxies`; on GPUs at most one per GPU.

    Raises:
        MixError: a GPU is asked for, and there is none; or one proxy does not fit the memory.
    """
    cohort, parts = settings.cohort or 1, 1
    if settings.device == "cuda":
        workers = min(workers, count_gpus())
        free = free_memory()
        cohort = settings.cohort or choose_cohort(settings, vocabulary, free)
        parts = choose_parts(settings, vocabulary, free)
    cohort = max(1, min(cohort, math.ceil(proxies / workers)))
    for name, value in MALLOC.items():  # read when a process starts
        os.environ.setdefault(name, value)
    timings = _side_by_side(workers, partial(_train, settings, vocabulary, cohort, parts, seconds))
    while not timings and cohort > 1:  # as in training
        cohort = (cohort + 1) // 2
        timings = _side_by_side(workers, partial(_train, settings, vocabulary, cohort, parts, seconds))
    if not timings:
        raise MixError(f"proxy.size: {settings.size} does not fit the memory — take a smaller size, batch or context")
    tokens, batches, shares = zip(*timings, strict=True)
    return Speed(sum(tokens), workers, cohort, min(batches), sum(shares) / workers)


Timed = tuple[float, int, float]  # tokens per second, sequences of a step, share of a core


def _side_by_side(workers: int, train: Callable[[int], Timed | None]) -> list[Timed]:
    """What each process measured; empty where one ran out of memory."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_meet_at, initargs=(context.Barrier(workers),)) as pool:
        try:
            answers = list(pool.map(train, range(workers)))
        except BrokenProcessPool:  # the system ends a process that takes more than there is
            return []
    timings = [answer for answer in answers if answer]
    return timings if len(timings) == workers else []


_meeting: Any = None  # where the processes of one measurement wait for one another


def _meet_at(barrier: Barrier) -> None:
    global _meeting
    _meeting = barrier


def _train(
    settings: ProxySettings, vocabulary: int, cohort: int, parts: int, seconds: float, rank: int
) -> Timed | None:
    """The speed of one process; None where this or another process ran out of memory."""
    os.environ["LOCAL_RANK"] = str(rank)
    try:
        step = _stepper(settings, vocabulary, cohort, parts)
        return _timed_steps(settings, cohort, step, seconds)
    except (RuntimeError, MemoryError) as error:
        _meeting.abort()  # the others need not wait
        if is_out_of_memory(error) or isinstance(error, BrokenBarrierError):
            return None
        raise


def _timed_steps(settings: ProxySettings, cohort: int, step: Callable[[int], None], seconds: float) -> Timed:
    batch = settings.batch
    if settings.device == "cpu":  # no compiler to wait for, but a batch may take minutes
        first, second = _timed(partial(step, 1)), _timed(partial(step, 1))
        batch = max(1, min(batch, int(SLOWEST * seconds / min(first, second))))
    whole = batch == settings.batch
    for _ in range(WARM if whole else 1):
        step(batch)
    _finish(settings)
    _meeting.wait(MEETING)
    began, worked, steps = time.perf_counter(), time.process_time(), 0
    passed = 0.0
    while passed < seconds:
        for _ in range(TOGETHER if whole else 1):
            step(batch)
            steps += 1
        _finish(settings)
        passed = time.perf_counter() - began
    share = (time.process_time() - worked) / passed if settings.device == "cpu" else 1.0
    return cohort * steps * batch * settings.context / passed, batch, min(1.0, share)


def _stepper(settings: ProxySettings, vocabulary: int, cohort: int, parts: int) -> Callable[[int], None]:
    """A function that makes one optimiser step on `batch` sequences, as `train_cohort` does."""
    device = prepare_device(settings)
    proxies = Proxies(settings.shape, vocabulary, settings.context, [0] * cohort, settings.tied).to(device)
    optimiser = optimiser_of(proxies, settings)
    program = program_of(proxies, device, compiled=device.type == "cuda")

    def step(batch: int) -> None:
        tokens = torch.randint(vocabulary, (cohort, batch, settings.context + 1), device=device)
        learn(proxies, program, tokens, min(parts, batch))
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return step


def _timed(work: Callable[[], None]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _finish(settings: ProxySettings) -> None:
    """Wait for the GPU, which works on after its steps have been launched."""
    if settings.device == "cuda":
        torch.cuda.synchronize()
