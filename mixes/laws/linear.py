"""y = w·b: the plainest law, by scikit-learn's ordinary least squares."""

from collections.abc import Callable

import numpy as np

from mixes.laws.kind import AtMix, times


class Linear:
    """y = w·b; the weights sum to one, so there is no intercept."""

    name = "linear"
    convex = True
    auto_from = 0

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, initial: np.ndarray | None = None
    ) -> np.ndarray:
        """See LawKind."""
        from sklearn.linear_model import LinearRegression  # takes most of a second to import; only fits need it

        parameters = np.empty((len(scores), weights.shape[1]))
        distinct, which = np.unique(rows, axis=0, return_inverse=True)
        for number, row in enumerate(distinct):  # problems of equal row weights are one regression of many targets
            problems = which == number
            fit = LinearRegression(fit_intercept=False).fit(weights, scores[problems].T, sample_weight=row)
            parameters[problems] = fit.coef_
        return parameters

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return parameters @ weights.T

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return parameters

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """See ConvexKind."""
        flat = np.zeros((parameters.shape[-1],) * 2)
        return lambda mix: AtMix(times(parameters, mix), parameters, lambda _: flat)
