"""y = c + exp(t·w): Data Mixing Laws (arXiv 2403.16952), the form that OLMo 3 fits."""

from collections.abc import Callable

import numpy as np

from mixes.laws.curve import Curve
from mixes.laws.kind import AtMix, squared, times
from mixes.laws.solver import Prior

RATE = 20.0  # standard deviation of a rate t_j per unit of weight, by cross-validation (docs/EXPERIMENTS.md)


class LogLinear(Curve):
    """y = c + exp(t·w): every domain pulls the score down, or up, at its own rate."""

    name = "log_linear"
    convex = True
    auto_from = 0
    starts = ((-1.5,), (-3.0,), (-8.0,))

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """theta = [c, t_1 … t_d]."""
        value = np.exp(theta[:, 1:] @ weights.T)
        slope = np.empty((*value.shape, theta.shape[1]))
        slope[..., 0] = 1
        np.multiply(value[..., None], weights, out=slope[..., 1:])
        return theta[:, :1] + value, slope

    def values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See Curve."""
        return theta[:, :1] + np.exp(theta[:, 1:] @ weights.T)

    def prior(self, domains: int) -> Prior:
        """c a few deviations under the mean; t about ½, give or take a rate that cross-validation chose."""
        every = np.arange(1 + domains)
        mean, sd = np.full(1 + domains, 0.5), np.full(1 + domains, RATE)
        mean[0], sd[0] = -2.5, 3.0
        return Prior(every, np.full(1 + domains, -1), mean, sd).tied(self.ties, 1)

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """A flat curve through the mean, from several asymptotes."""
        return np.array([chosen[0], *[np.log(-chosen[0])] * domains])

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """See ConvexKind."""
        shift, scale, asymptote, rates = (parameters[..., part] for part in (0, 1, 2, slice(3, None)))

        def at(mix: np.ndarray) -> AtMix:
            power = np.exp(times(rates, mix))
            return AtMix(
                shift + scale * (asymptote + power),
                (scale * power)[..., None] * rates,
                lambda values: squared(rates, values * scale * power),
            )

        return at
