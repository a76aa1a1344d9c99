"""Devices: the FLOPs per second that training reaches, measured on this one or assumed for others by their peaks."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixes.errors import MixError, did_you_mean
from mixes.proxy.cost import token_flops
from mixes.proxy.memory import choose_cohort
from mixes.proxy.settings import ProxySettings


@dataclass(frozen=True)
class Published:
    """What a GPU's maker publishes about it."""

    peak: float  # dense matrix products in bf16, FLOPs per second; half of what is advertised with sparsity
    memory: float  # bytes
    bandwidth: float  # of that memory, bytes per second


# Sources: NVIDIA's data sheets of the A100 (80 GB), L4, L40S, H100 (SXM; NVL and PCIe differ), H200 and HGX B200, AMD's
# of the Instinct MI300X.
PUBLISHED = {
    "a100": Published(312e12, 80e9, 2.04e12),
    "b200": Published(2_250e12, 180e9, 7.7e12),
    "h100": Published(989e12, 80e9, 3.35e12),
    "h100-nvl": Published(835e12, 94e9, 3.9e12),
    "h100-pcie": Published(756e12, 80e9, 2.0e12),
    "h200": Published(989e12, 141e9, 4.8e12),
    "l4": Published(121e12, 24e9, 0.3e12),
    "l40s": Published(362e12, 48e9, 0.864e12),
    "mi300x": Published(1_307e12, 192e9, 5.3e12),
}
THIS = "this"
# Share of its published peak that an H200 reached with cohorts that fill it, by width (measured at 1M, 4M, 15M and 30M,
# vocabulary 8,192, context 512: docs/EXPERIMENTS.md, where attention is counted as half squares and the peak is a
# measured one; here as `token_flops` counts, of the published one).
REACHED_BY = "h200"
REACHED = {0: 0.0, 160: 0.168, 256: 0.255, 384: 0.293, 512: 0.346}
MOST_REACHED = 0.4  # (assumed: what well-tuned training of large models reaches)
LAUNCHED = 2.6e-3  # seconds per layer and step that Python takes to launch it, however few proxies (measured there)


@dataclass(frozen=True)
class Device:
    """What a swarm trains on; a machine of CPUs is one device."""

    name: str
    count: int  # devices at once
    workers: int  # processes that share the proxies, on all devices together
    cohort: int  # proxies that a worker trains together, at most
    speed: float  # FLOPs per second of each worker
    origin: Literal["measured", "given", "assumed"]  # of the speed, or of the utilisation behind it
    utilisation: float | None = None  # share of the peak; None where the speed was measured
    tokens: float | None = None  # per second, over the workers that were measured


def assumed_utilisation(device: Published, settings: ProxySettings, vocabulary: int, cohort: int) -> float:
    """Share of a GPU's peak that training reaches, from what an H200 reached on proxies of that width.

    Narrow proxies are bound by memory however many train together, so another GPU's share follows the ratio of its
    memory's speed to its peak. Too few proxies leave any GPU waiting for the next step.
    """
    measured = float(np.interp(settings.shape.width, list(REACHED), list(REACHED.values())))
    carried = measured * device.bandwidth / device.peak / (PUBLISHED[REACHED_BY].bandwidth / PUBLISHED[REACHED_BY].peak)
    step = cohort * settings.batch * settings.context * token_flops(settings, vocabulary)
    return min(MOST_REACHED, carried, step / (LAUNCHED * settings.shape.layers) / device.peak)


def check_device(name: str) -> None:
    """Check that a device is known.

    Raises:
        MixError: it is not.
    """
    names = [THIS, *PUBLISHED]
    if name not in names:
        raise MixError(f"`device`: no device {name!r} — {did_you_mean(name.lower(), names)}")


def named_device(
    name: str, settings: ProxySettings, vocabulary: int, proxies: int, count: int, utilisation: float | None = None
) -> Device:
    """`count` of a published device that train `proxies`; where `utilisation` is None, it is assumed.

    Raises:
        MixError: the device is unknown.
    """
    check_device(name)
    published = PUBLISHED[name]
    origin: Literal["given", "assumed"] = "given" if utilisation else "assumed"
    on_gpu = settings.model_copy(update={"device": "cuda"})
    cohort = settings.cohort or choose_cohort(on_gpu, vocabulary, int(published.memory))
    cohort = max(1, min(cohort, math.ceil(proxies / count)))
    share = utilisation or assumed_utilisation(published, settings, vocabulary, cohort)
    return Device(name, count, count, cohort, published.peak * share, origin, share)
