"""Constraints on a mix, each with the name under which messages show it."""

from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.optimum.objective import Objective


@dataclass(frozen=True)
class Bound:
    """low ≤ Σ of the named domains' weights ≤ high; low = high pins it.

    Raises:
        MixError: no domain, an unordered or unusable pair.
    """

    name: str  # as `epochs: code ≤ 0.31 (4 epochs of 1.2B tokens at 16B)`: origin, domains, numbers
    domains: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.domains or len(set(self.domains)) < len(self.domains):
            raise MixError(f"limits: {self.name!r} names no domain, or names one twice")
        if not 0 <= self.low <= self.high:
            raise MixError(f"limits: {self.name!r} goes from {self.low:g} to {self.high:g} — write 0 ≤ low ≤ high")

    def members(self, domains: tuple[str, ...]) -> np.ndarray:
        """(n_domains,) 1 where a domain counts, else 0."""
        return np.array([float(domain in self.domains) for domain in domains])


@dataclass(frozen=True)
class AtMost:
    """objective(mix) ≤ most: a divergence, or a family's predicted bpb.

    Raises:
        MixError: the bound is not a number.
    """

    name: str
    objective: Objective
    most: float

    def __post_init__(self) -> None:
        if not np.isfinite(self.most):
            raise MixError(f"limits: {self.name!r} is bounded by {self.most}, not by a number")
