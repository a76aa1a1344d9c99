"""y = w·b: the plainest law, by scikit-learn's ordinary least squares."""

import cvxpy as cp
import numpy as np
from sklearn.linear_model import LinearRegression


class Linear:
    """y = w·b; the weights sum to one, so there is no intercept."""

    name = "linear"
    convex = True
    auto_from = 0

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, near: np.ndarray | None = None
    ) -> np.ndarray:
        """See LawKind."""
        fits = (
            LinearRegression(fit_intercept=False).fit(weights, y, sample_weight=row)
            for y, row in zip(scores, rows, strict=True)
        )
        return np.array([fit.coef_ for fit in fits])

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return parameters @ weights.T

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return parameters

    def expression(self, parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
        """See LawKind."""
        return weights @ parameters

    def curvature(self, parameters: np.ndarray, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        """See ConvexKind."""
        return np.zeros((len(weights), len(weights)))
