"""Gradient-boosted trees with RegMix's settings (arXiv 2407.01492): a law without a formula, for large swarms.

Trees are flat between splits. So the law has no useful gradient, and its optimum is found by a search.
"""

from typing import Any

import numpy as np

from mixes.errors import MixError

# RegMix's regression: 1,000 trees at rate 0.01, squared error, the package's defaults otherwise.
SETTINGS: dict[str, Any] = {"n_estimators": 1000, "learning_rate": 0.01, "objective": "regression"}
FIXED: dict[str, Any] = {"random_state": 0, "n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbose": -1}
STEP = 0.01  # of weight, over which the slope is taken


class LightGbm:
    """One ensemble per problem; parameters are an object array (P, 1)."""

    name = "lightgbm"
    convex = False
    auto_from = 1000  # measured: behind the transfer law at 448 mixes, and 40 fits per task take seconds each

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, initial: np.ndarray | None = None
    ) -> np.ndarray:
        """See LawKind.

        Raises:
            MixError: the package is missing.
        """
        try:
            from lightgbm import LGBMRegressor
        except ImportError:
            raise MixError("law: lightgbm is not installed — pip install 'mixwright[lightgbm]'") from None
        parameters = np.empty((len(scores), 1), dtype=object)
        for p, (y, row) in enumerate(zip(scores, rows, strict=True)):
            used = row > 0
            parameters[p, 0] = LGBMRegressor(**SETTINGS, **FIXED).fit(weights[used], y[used], sample_weight=row[used])
        return parameters

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return np.array([_ensemble(trees).predict(weights) for trees in parameters[:, 0]])

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind; a difference over 2 × STEP, because trees have no slope."""
        step = STEP * np.eye(len(weights))
        around = self.predict(parameters, np.concatenate([weights + step, weights - step]))
        above, below = np.split(around, 2, axis=1)
        return (above - below) / (2 * STEP)


def _ensemble(trees: Any) -> Any:
    """The trees themselves: scikit-learn's wrapper warns of arrays without column names."""
    return trees.booster_
