"""The methods of every form of law.

Axes: P problems (task × row weighting), n runs, d domains, q parameters.
"""

from typing import Protocol

import numpy as np


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

    def curvature(self, parameters: np.ndarray, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Σ_p values_p · law p's second derivatives: parameters (P, q), one mix (d,), values (P,) → (d, d)."""
        ...
