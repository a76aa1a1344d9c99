"""What an optimum minimises: Σ_t v_t law_t(w) + λ KL(w ‖ anchor), with tasks of one form of law stacked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from mixes.laws.kind import LawKind

SMALLEST = 1e-5  # smaller weights are a solver's zero; an anchor's share counts as at least this


@dataclass(frozen=True)
class Part:
    """The tasks of one form of law: P of them, each with its weight in the target."""

    kind: LawKind
    parameters: np.ndarray  # (P, q)
    values: np.ndarray  # (P,)


class Function(Protocol):
    """The part of an objective that a search needs."""

    @property
    def anchor(self) -> np.ndarray:
        """(n_domains,) the mix that decides between mixes that are equally good: the closest is taken."""
        ...

    def value(self, mixes: np.ndarray) -> np.ndarray:
        """bpb (n,) at mixes (n, n_domains)."""
        ...

    def gradient(self, mix: np.ndarray) -> np.ndarray:
        """(n_domains,) at one mix."""
        ...


@dataclass(frozen=True)
class Objective:
    """A function of the mix (n_domains,), with its derivatives."""

    parts: tuple[Part, ...]
    anchor: np.ndarray  # (n_domains,), the mix that `pull` pulls to
    pull: float = 0.0  # λ, bpb per nat

    @property
    def convex(self) -> bool:
        """Whether every part is convex."""
        return all(part.kind.convex for part in self.parts)

    @cached_property
    def _reference(self) -> np.ndarray:
        return np.maximum(self.anchor, SMALLEST)

    def value(self, mixes: np.ndarray) -> np.ndarray:
        """bpb (n,) at mixes (n, n_domains)."""
        total = sum(
            (part.values @ part.kind.predict(part.parameters, mixes) for part in self.parts), np.zeros(len(mixes))
        )
        if not self.pull:
            return total
        ratio = np.log(np.maximum(mixes, 1e-300) / self._reference)
        return total + self.pull * (mixes * ratio).sum(axis=1)

    def gradient(self, mix: np.ndarray) -> np.ndarray:
        """(n_domains,) at one mix."""
        total = sum((part.values @ part.kind.gradient(part.parameters, mix) for part in self.parts), np.zeros(len(mix)))
        return total + self.pull * (np.log(np.maximum(mix, 1e-300) / self._reference) + 1)

    def curvature(self, mix: np.ndarray) -> np.ndarray:
        """(n_domains, n_domains) second derivatives at one mix; convex parts only."""
        total = np.diag(self.pull / np.maximum(mix, 1e-300))
        for part in self.parts:
            total = total + part.kind.curvature(part.parameters, mix, part.values)  # type: ignore[attr-defined]
        return total


def stacked(
    kinds: Sequence[LawKind],
    parameters: Sequence[np.ndarray],
    values: Sequence[float],
    anchor: np.ndarray,
    pull: float = 0.0,
) -> Objective:
    """The objective of tasks, each with a form of law, parameters (q,) and a weight; tasks of weight 0 are left out."""
    groups: dict[str, list[int]] = {}
    for number, (kind, value) in enumerate(zip(kinds, values, strict=True)):
        if value:
            groups.setdefault(kind.name, []).append(number)
    parts = (
        Part(kinds[chosen[0]], np.array([parameters[n] for n in chosen]), np.array([values[n] for n in chosen]))
        for chosen in groups.values()
    )
    return Objective(tuple(parts), anchor, pull)


def divergence(anchor: np.ndarray) -> Objective:
    """KL(mix ‖ anchor), nats."""
    return Objective((), anchor, 1.0)
