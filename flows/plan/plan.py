"""The plan: what an experiment's swarm will cost and how sure it will be, before anything runs.

Nothing is made and nothing is written. What is not known yet is assumed, and every assumption is a line of the plan.
"""

import math
import os
from dataclasses import dataclass
from typing import Literal

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.plan.known import Known, known_noise, look
from mixes.proxy import cost as costs
from mixes.proxy.cost import Disk, Parameters
from mixes.proxy.devices import THIS, Device, check_device, named_device
from mixes.recommendation.expected import SAMPLE_NOISE, expected_half_width
from pipeline.train.setup import VALIDATION_SEQUENCES

SECONDS = 20.0  # for which this device's speed is measured
BUSY = 0.9  # share of a core per worker; below it, other work must have run


@dataclass(frozen=True)
class Proxy:
    """One proxy."""

    size: str
    parameters: Parameters
    vocabulary: int
    tokens: int  # that it trains on, in whole batches
    steps: int
    batch: int  # sequences of a step
    context: int  # tokens of a sequence


@dataclass(frozen=True)
class Flops:
    """FLOPs of all proxies that are left to train."""

    training: int
    evaluation: int
    total: int


@dataclass(frozen=True)
class Interval:
    """The expected interval on the recommended mix's predicted gain over natural, on the target, in bpb."""

    half_width: float
    coverage: float
    noise: float  # standard deviation of one proxy's score on the target
    noise_from: Literal["replicates", "sample"]  # of this experiment, or of the sample's proxies


@dataclass(frozen=True)
class Plan:
    """Everything `mixwright plan --json` prints. FLOPs, hours, cost and disk are of the proxies left to train."""

    experiment: str
    pool: str | None  # the finished pool that the swarm is drawn for
    domains: tuple[str, ...]
    mixes: int
    proxies: int
    trained: int  # of the proxies, already trained
    earlier: int  # of those, runs of an earlier swarm that `reuse.runs` keeps
    proxy: Proxy
    flops: Flops
    device: Device
    hours: float
    price: float | None  # per device and hour
    cost: float | None  # of all devices
    disk: Disk  # bytes
    interval: Interval
    assumptions: tuple[str, ...]


def make_plan(
    experiment: Experiment,
    device: str = THIS,
    utilisation: float | None = None,
    price: float | None = None,
    seconds: float = SECONDS,
) -> Plan:
    """The plan; the speed of `this` device is measured for `seconds`.

    Raises:
        ExperimentError: a utilisation of this device, whose speed is measured.
        MixError: an unknown device, no GPU where one is asked for, or no room for the swarm's mixes.
    """
    settings = experiment.proxy
    if device == THIS and utilisation:
        raise ExperimentError("--utilisation: the speed of this device is measured — leave it out, or name a --device")
    check_device(device)
    known = look(experiment)
    left = known.left
    training = costs.training_flops(settings, known.vocabulary)
    sequences = VALIDATION_SEQUENCES * len(known.domains)
    each = training + costs.evaluation_flops(settings, known.vocabulary, known.items, sequences)
    used, assumptions = _device(experiment, known, left, device, utilisation, seconds)
    lasting = costs.swarm_seconds(left, each, used.speed, used.workers)
    at_once, together = min(left, used.workers * used.cohort), used.cohort * each / used.speed
    return Plan(
        experiment=experiment.name,
        pool=known.pool.folder.name if known.pool else None,
        domains=known.domains,
        mixes=len({candidate.mix for candidate in known.candidates}),
        proxies=len(known.candidates),
        trained=len(known.candidates) - left,
        earlier=known.earlier,
        proxy=Proxy(
            settings.size, costs.count_parameters(settings, known.vocabulary), known.vocabulary,
            costs.trained_tokens(settings), settings.steps, settings.batch, settings.context,
        ),
        flops=Flops(left * training, left * (each - training), left * each),
        device=used,
        hours=lasting / 3600,
        price=price,
        cost=None if price is None else price * used.count * lasting / 3600,
        disk=costs.swarm_disk(settings, known.vocabulary, left, len(known.items), at_once, together),
        interval=_interval(experiment, known),
        assumptions=(*known.assumptions, *assumptions),
    )  # fmt: skip


def _interval(experiment: Experiment, known: Known) -> Interval:
    measured, coverage = known_noise(experiment, known), experiment.recommend.coverage
    noise = measured or SAMPLE_NOISE
    half = expected_half_width(known.candidates, noise, coverage)
    return Interval(half, coverage, noise, "replicates" if measured else "sample")


def _device(
    experiment: Experiment, known: Known, left: int, name: str, utilisation: float | None, seconds: float
) -> tuple[Device, list[str]]:
    """The device that trains the remaining proxies, and what was assumed or observed of it."""
    if name == THIS:
        return _on_this(experiment, known, left, seconds)
    settings, workers = experiment.proxy, experiment.executor.at("swarm").workers or 1
    count = workers if settings.device == "cuda" else 1  # on a CPU, workers are cores
    device, assumptions = named_device(name, settings, known.vocabulary, left, count, utilisation), []
    if device.origin == "assumed":
        assumptions.append(
            f"{device.utilisation:.1%} of the {device.name}'s published peak in bf16, as an H200 reached it with "
            "proxies of this width — give --utilisation, or plan on that machine."
        )
    if settings.device == "cpu":
        assumptions.append(f"proxy.device is cpu: training on the {device.name} needs cuda.")
    return device, assumptions


def _on_this(experiment: Experiment, known: Known, left: int, seconds: float) -> tuple[Device, list[str]]:
    """This device, and what was observed while its speed was measured."""
    from mixes.proxy.speed import measure_speed  # torch takes seconds to import

    settings, executor = experiment.proxy, experiment.executor.at("swarm")
    cores, local = os.cpu_count() or 1, executor.kind == "local"
    wanted = executor.workers or (cores if local or settings.device == "cpu" else 1)
    side_by_side = wanted if local else min(wanted, cores)
    speed, observations = (
        measure_speed(settings, known.vocabulary, left, min(side_by_side, left) or side_by_side, seconds),
        [],
    )
    workers = speed.workers if local else min(wanted, left) or wanted
    if workers > speed.workers:
        observations.append(
            f"{workers} workers of {executor.kind} are assumed to be as fast as {speed.workers} on this machine."
        )
    if speed.share < BUSY:
        observations.append(
            f"Other work on this machine left each worker {speed.share:.0%} of a core, and is assumed to go on. An "
            f"idle machine would need at most about {speed.share:.2f} times the hours."
        )
    if speed.batch < settings.batch:
        observations.append(
            f"Steps of {speed.batch} sequences were timed, because those of {settings.batch} take long on this machine."
        )
    each = speed.tokens / speed.workers * costs.token_flops(settings, known.vocabulary)
    devices = math.ceil(workers / speed.workers) if settings.device == "cpu" else workers
    return Device(THIS, devices, workers, speed.cohort, each, "measured", tokens=speed.tokens), observations
