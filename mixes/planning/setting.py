"""What all ways to spend a budget have in common: domains, limits, the law over mixes and sizes, and runs at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mixes.laws.ladder import Ladder
from mixes.laws.registry import law_named
from mixes.laws.scale import Sized, Wander
from mixes.optimum.limits import Limits
from mixes.runs import Size

BASE = "transfer"  # the law over mixes


class _Standardised(Sized):
    """The law on scores that are in standard deviations over mixes already, so that laws of different runs compare."""

    def standard(self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nothing is taken off."""
        return np.zeros((len(scores), 1)), np.ones((len(scores), 1))


@dataclass(frozen=True)
class AtHand:
    """Runs that were made before: the target's scores, brought to one seed's level."""

    weights: np.ndarray  # (n, n_domains)
    sizes: tuple[Size, ...]  # (n,)
    scores: np.ndarray  # (n,)
    names: tuple[str, ...]  # (n,) of their mixes

    @property
    def scale(self) -> float:
        """Standard deviation of the scores over mixes, within sizes."""
        which = np.array([self.sizes.index(size) for size in self.sizes])
        own = [self.scores[which == size] - self.scores[which == size].mean() for size in np.unique(which)]
        return float(np.concatenate(own).std()) + 1e-12

    @property
    def standardised(self) -> np.ndarray:
        """(n,) the scores in that."""
        return (self.scores - self.scores.mean()) / self.scale


@dataclass(frozen=True)
class Setting:
    """What all ways have in common."""

    domains: tuple[str, ...]
    mixes: np.ndarray  # (m, n_domains) that a swarm would train first, reference first
    limits: Limits  # on the mix to recommend
    pull: float  # to the reference, in noises of a difference between two runs
    ladder: Ladder  # of all sizes, seen from the asked one
    at_hand: AtHand | None = None
    wander: Wander = field(default_factory=Wander)
    seed: int = 0

    @property
    def reference(self) -> np.ndarray:
        """(n_domains,) the mix that gains are counted from."""
        return self.mixes[0]

    @cached_property
    def kind(self) -> Sized:
        """The law over mixes and sizes."""
        mixes = self.mixes if self.at_hand is None else self.at_hand.weights
        spread = float(np.sqrt(mixes.var(axis=0).sum())) + 1e-9
        base = law_named(BASE, self.domains)
        return _Standardised(base, self.ladder, mixes.mean(axis=0), self.wander, spread)  # type: ignore[arg-type]

    def columns(self, weights: np.ndarray, sizes: Sequence[Size]) -> np.ndarray:
        """(n, n_domains + 1) weights and the number of each one's size, as the law takes them."""
        numbers = [1 + self.ladder.sizes.index(size) for size in sizes]
        return np.concatenate([weights, np.array(numbers, dtype=float)[:, None]], axis=1)
