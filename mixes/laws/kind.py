"""The methods of every form of law.

Axes: P problems (task × row weighting), n runs, d domains, q parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class AtMix:
    """P laws at one mix; or, with a leading axis, at each of several mixes."""

    values: np.ndarray  # (…, P) as `predict` gives them, to the last digit
    slopes: np.ndarray  # (…, P, d)
    bend: Callable[[np.ndarray], np.ndarray]  # weights (P,) → weighted sum of the laws' second derivatives (…, d, d)


class LawKind(Protocol):
    """One form of law."""

    name: str
    convex: bool  # in the mix, so that its optimum is an exact convex problem
    auto_from: int  # least number of mixes at which `auto` tries it

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, initial: np.ndarray | None = None
    ) -> np.ndarray:
        """Fit weights (n, d) to scores (P, n), each problem with its own row weights (P, n) → parameters (P, q).

        `initial` (P, q): parameters of almost the same problems, to start from.
        """
        ...

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Parameters (P, q) at weights (n, d) → bpb (P, n)."""
        ...

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Parameters (P, q) at one mix (d,) → d bpb / d weights (P, d)."""
        ...


class ConvexKind(LawKind, Protocol):
    """A form of law that is convex in the mix."""

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """The laws of parameters (P, q) as a function of one mix (d,) or of several (…, d); parameters (…, P, q): each
        mix has laws of its own. A solver calls it many times, so what depends on the parameters alone is computed
        once."""
        ...


def times(matrices: np.ndarray, mixes: np.ndarray) -> np.ndarray:
    """Matrices (…, P, d) times vectors (…, d) → (…, P)."""
    return (matrices @ mixes[..., None])[..., 0]


def squared(factors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Σ_p weights_p factors_p factors_pᵀ: factors (…, P, d), weights (…, P) → (…, d, d)."""
    return np.swapaxes(factors * weights[..., None], -1, -2) @ factors
