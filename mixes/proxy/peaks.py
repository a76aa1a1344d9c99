"""Devices: how many FLOPs a second training makes of them, measured on this one or assumed of others by their peaks."""

import difflib
from dataclasses import dataclass
from typing import Literal

from mixes.errors import MixError
from mixes.proxy.settings import Shape

# Published dense peaks of matrix products in bf16, FLOPs a second; half of what is advertised with sparsity. Sources:
# NVIDIA's data sheets of the A100 (SXM and PCIe), L4, L40S, H100 (SXM; NVL and PCIe differ), H200 and HGX B200, AMD's
# of the Instinct MI300X.
PEAKS = {
    "a100": 312e12,
    "b200": 2_250e12,
    "h100": 989e12,
    "h100-nvl": 835e12,
    "h100-pcie": 756e12,
    "h200": 989e12,
    "l4": 121e12,
    "l40s": 362e12,
    "mi300x": 1_307e12,
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


def named_device(name: str, shape: Shape, count: int, utilisation: float | None) -> Device:
    """So many of a published device, training proxies of a shape; `utilisation` None is assumed.

    Raises:
        MixError: nobody has named its peak here.
    """
    if name.lower() not in PEAKS:
        near = difflib.get_close_matches(name.lower(), [*PEAKS, THIS], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise MixError(f"--device {name!r}: no such device — {hint}Known are {', '.join([THIS, *PEAKS])}")
    share = utilisation or assumed_utilisation(shape)
    origin: Literal["given", "assumed"] = "given" if utilisation else "assumed"
    return Device(name.lower(), count, count, PEAKS[name.lower()] * share, origin, share)
