"""y = c + (e + Σ_j k_j w_j)^(−α), with k, e, α > 0: BiMix (arXiv 2405.14908) at one number of steps.

BiMix gives the loss on domain i after s steps as A_i r_i^(−α_i) (B_i s^(−β_i) + C_i), a power of that domain's own
proportion r_i. A swarm's proxies share s, so the second factor is a constant. A task is not a domain and has no r_i.
Its proportion is taken as that of the domains like it, e + Σ k_j w_j; e keeps a mix without them finite. The
constant c is also ours, since a score's zero is not always the loss's.
"""

from collections.abc import Callable

import numpy as np

from mixes.laws.curve import Curve
from mixes.laws.kind import AtMix, squared, times
from mixes.laws.solver import Prior


class BiMix(Curve):
    """theta = [c, ln e, ln k_1 … ln k_d, ln α, μ]; μ is the level that the ln k_j are shrunk to."""

    name = "bimix"
    convex = True
    auto_from = 0
    starts = ((-2.0, 0.5), (-4.0, 0.3), (-1.5, 1.0))

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the class."""
        base, factors, alpha = np.exp(theta[:, 1:2]), np.exp(theta[:, 2:-2]), np.exp(theta[:, -2:-1])
        inner = base + factors @ weights.T
        value = inner**-alpha
        by_inner = -alpha * value / inner
        slope = np.empty((*value.shape, theta.shape[1]))
        slope[..., 0] = 1
        slope[..., 1] = by_inner * base
        np.multiply(by_inner[..., None] * factors[:, None], weights, out=slope[..., 2:-2])
        slope[..., -2] = -value * np.log(inner) * alpha
        slope[..., -1] = 0
        return theta[:, :1] + value, slope

    def values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See Curve."""
        inner = np.exp(theta[:, 1:2]) + np.exp(theta[:, 2:-2]) @ weights.T
        return theta[:, :1] + inner ** -np.exp(theta[:, -2:-1])

    def prior(self, domains: int) -> Prior:
        """The transfer law's, except that domains may differ ten times as much, since no exponent tells them apart."""
        level = domains + 3
        index = np.arange(domains + 4)
        mean = np.array([-3.0, -1.0, *[0.0] * domains, -1.0, -1.0])
        sd = np.array([2.0, 1.0, *[3.0] * domains, 0.5, 3.0])
        return Prior(index, np.array([-1, *[level] * (domains + 1), -1, -1]), mean, sd).tied(self.ties, 2)

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """All domains alike, the uniform mix at the mean score."""
        asymptote, alpha = chosen
        inner = (-asymptote) ** (-1 / alpha)
        level = np.log(0.9 * inner)
        return np.array([asymptote, np.log(0.1 * inner), *[level] * domains, np.log(alpha), level])

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """See ConvexKind."""
        shift, scale, theta = parameters[..., 0], parameters[..., 1], parameters[..., 2:]
        base, factors, alpha = np.exp(theta[..., 1]), np.exp(theta[..., 2:-2]), np.exp(theta[..., -2])

        def at(mix: np.ndarray) -> AtMix:
            inner = base + times(factors, mix)
            by_inner = -scale * alpha * inner ** (-alpha - 1)
            by_inner_twice = -by_inner * (alpha + 1) / inner
            return AtMix(
                shift + scale * (theta[..., 0] + inner**-alpha),
                by_inner[..., None] * factors,
                lambda values: squared(factors, values * by_inner_twice),
            )

        return at
