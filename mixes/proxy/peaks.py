"""Devices: how many FLOPs a second training makes of them, measured on this one or assumed of others by their peaks."""

import difflib
import math
from dataclasses import dataclass
from typing import Literal

from mixes.errors import MixError
from mixes.proxy.memory import choose_cohort
from mixes.proxy.settings import ProxySettings, Shape


@dataclass(frozen=True)
class Published:
    """What a GPU's maker says of it."""

    peak: float  # dense matrix products in bf16, FLOPs a second; half of what is advertised with sparsity
    memory: float  # bytes


# Sources: NVIDIA's data sheets of the A100 (80 GB), L4, L40S, H100 (SXM; NVL and PCIe differ), H200 and HGX B200, AMD's
# of the Instinct MI300X.
PUBLISHED = {
    "a100": Published(312e12, 80e9),
    "b200": Published(2_250e12, 180e9),
    "h100": Published(989e12, 80e9),
    "h100-nvl": Published(835e12, 94e9),
    "h100-pcie": Published(756e12, 80e9),
    "h200": Published(989e12, 141e9),
    "l4": Published(121e12, 24e9),
    "l40s": Published(362e12, 48e9),
    "mi300x": Published(1_307e12, 192e9),
}
THIS = "this"
REACHED, REACHED_WIDTH = 0.2, 512  # share of the peak, at that width (assumed)
MOST_REACHED = 0.4  # (assumed: what well-tuned training of large models reaches)


@dataclass(frozen=True)
class Device:
    """What a swarm trains on; a machine of CPUs is one device."""

    name: str
    count: int  # devices at once
    workers: int  # processes that share the proxies, on all devices together
    cohort: int  # proxies that a worker trains together, at most
    speed: float  # FLOPs a second of each worker
    origin: Literal["measured", "given", "assumed"]  # of the speed, or of the utilisation behind it
    utilisation: float | None = None  # share of the peak; None where the speed was measured
    tokens: float | None = None  # a second, over the workers that were measured


def assumed_utilisation(shape: Shape) -> float:
    """Share of a GPU's peak that training reaches: assumed, nothing was measured.

    In proportion to the width: a product does so many FLOPs for each byte of activations that it moves, and narrow
    proxies are bound by memory however many train together.
    """
    return min(MOST_REACHED, REACHED * shape.width / REACHED_WIDTH)


def check_device(name: str) -> None:
    """See that a device is known.

    Raises:
        MixError: it is not.
    """
    known = [THIS, *PUBLISHED]
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise MixError(f"--device {name!r}: no such device — {hint}Known are {', '.join(known)}")


def named_device(
    name: str, settings: ProxySettings, vocabulary: int, proxies: int, count: int, utilisation: float | None = None
) -> Device:
    """`count` of a published device that train so many proxies; `utilisation` None is assumed.

    Raises:
        MixError: nobody has named its peak here.
    """
    check_device(name)
    published, share = PUBLISHED[name], utilisation or assumed_utilisation(settings.shape)
    origin: Literal["given", "assumed"] = "given" if utilisation else "assumed"
    on_gpu = settings.model_copy(update={"device": "cuda"})
    cohort = settings.cohort or choose_cohort(on_gpu, vocabulary, int(published.memory))
    cohort = max(1, min(cohort, math.ceil(proxies / count)))
    return Device(name, count, count, cohort, published.peak * share, origin, share)
