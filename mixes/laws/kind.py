"""The methods of every form of law.

Axes: P problems (task × row weighting), n runs, d domains, q parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class AtMix:
    """P laws at one mix."""

    values: np.ndarray  # (P,) as `predict` gives them, to the last digit
    slopes: np.ndarray  # (P, d)
    bend: Callable[[np.ndarray], np.ndarray]  # weights (P,) → weighted sum of the laws' second derivatives (d, d)


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
        """The laws of parameters (P, q) as a function of one mix (d,). A solver calls it many times, so what depends
        on the parameters alone is computed once."""
        ...
