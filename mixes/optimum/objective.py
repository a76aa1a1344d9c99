"""What an optimum minimises: Σ_t v_t law_t(w) + λ KL(w ‖ anchor), with tasks of one form of law stacked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from mixes.laws.kind import AtMix, LawKind

SMALLEST = 1e-5  # smaller weights are a solver's zero; an anchor's share counts as at least this


@dataclass(frozen=True)
class Part:
    """The tasks of one form of law: P of them, each with its weight in the target."""

    kind: LawKind
    parameters: np.ndarray  # (P, q); (B, P, q) of B objectives side by side
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
    """A function of the mix (n_domains,), with its derivatives; or B of them side by side, each at a mix of its own."""

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
        if self.convex:
            return self.at(mix).slope
        total = sum((part.values @ part.kind.gradient(part.parameters, mix) for part in self.parts), np.zeros(len(mix)))
        return total + self.pull * (np.log(np.maximum(mix, 1e-300) / self._reference) + 1)

    @cached_property
    def _kinds(self) -> list[Callable[[np.ndarray], AtMix]]:
        return [part.kind.at(part.parameters) for part in self.parts]  # type: ignore[attr-defined]

    def at(self, mix: np.ndarray) -> "Local":
        """Value and both derivatives at one mix (n_domains,), or at several (b, n_domains); convex parts only."""
        parts = [(part.values, at(mix)) for part, at in zip(self.parts, self._kinds, strict=True)]
        value = sum((at.values @ values for values, at in parts), np.zeros(mix.shape[:-1]))
        slope = sum((values @ at.slopes for values, at in parts), np.zeros(mix.shape))
        if self.pull:
            ratio = np.log(np.maximum(mix, 1e-300) / self._reference)
            value = value + self.pull * (mix * ratio).sum(axis=-1)
            slope = slope + self.pull * (ratio + 1)

        def bend() -> np.ndarray:
            total = np.zeros((*mix.shape, mix.shape[-1]))
            if self.pull:
                np.einsum("...ii->...i", total)[...] = self.pull / np.maximum(mix, 1e-300)
            for values, at in parts:
                total += at.bend(values)
            return total

        return Local(value, slope, bend)

    def of(self, which: np.ndarray) -> "Objective":
        """Those of the objectives side by side that have these numbers."""
        return replace(self, parts=tuple(replace(part, parameters=part.parameters[which]) for part in self.parts))


@dataclass(frozen=True)
class Local:
    """An objective at one mix, or, with a leading axis, at several."""

    value: np.ndarray  # (…) bpb
    slope: np.ndarray  # (…, n_domains)
    bend: Callable[[], np.ndarray]  # second derivatives (…, n_domains, n_domains)


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


def side_by_side(objectives: Sequence[Objective]) -> Objective:
    """Objectives of the same tasks, forms of law, anchor and pull as one that has a leading axis of parameters."""
    first = objectives[0]
    parts = (
        replace(part, parameters=np.array([objective.parts[number].parameters for objective in objectives]))
        for number, part in enumerate(first.parts)
    )
    return replace(first, parts=tuple(parts))


def divergence(anchor: np.ndarray) -> Objective:
    """KL(mix ‖ anchor), nats."""
    return Objective((), anchor, 1.0)
