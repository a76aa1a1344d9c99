"""y = c + b·w + (e + Σ_j k_j w_j^γ_j)^(−α), with k, e > 0, 0 < γ < 1, α > 0: a power law in the effective data
Σ k w^γ that the domains transfer to the task, plus what a domain does in proportion to its weight.

The inner sum is concave in w and s^(−α) convex and falling, so the law is convex in w. Its source is the power law
of data transfer (Hernandez et al. 2021, arXiv 2102.01293: effective data k·D^γ), summed over domains. Exponents
are shrunk to one that all domains share, and b to zero: few runs give the plain law, many runs tell domains apart.
"""

from collections.abc import Callable

import numpy as np

from mixes.laws.curve import Curve
from mixes.laws.kind import AtMix, squared, times
from mixes.laws.solver import Prior

FLOOR = 1e-9  # weights below this count as this weight in ln w (w^γ ln w → 0)

# Standard deviations of the priors, chosen by cross-validation on training runs (docs/EXPERIMENTS.md).
LEVEL = 1.5  # of ln k_j about their level: a domain may matter several times more or less than the others
BASE = 0.5  # of ln e about one above that level: a mix without what a task needs is bad, not infinitely bad
EXPONENT = 0.3  # of logit γ_j about their common one
SLOPE = 0.15  # of b_j, in standard deviations of the scores


class Transfer(Curve):
    """theta = [c, ln e, ln k_1 … ln k_d, logit γ_1 … logit γ_d, b_1 … b_d, ln α, μ, g].

    μ is the level that the ln k_j are shrunk to, g that of the logit γ_j.
    """

    name = "transfer"
    convex = True
    auto_from = 0
    starts = ((-2.0, 0.5, 0.5), (-4.0, 0.7, 0.3), (-1.5, 0.3, 1.0))

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the class."""
        d = weights.shape[1]
        slope = np.empty((len(theta), len(weights), theta.shape[1]))
        gamma, alpha, base = _sigmoid(theta[:, None, 2 + d : 2 + 2 * d]), np.exp(theta[:, -3:-2]), np.exp(theta[:, 1:2])
        log_weights = np.log(np.maximum(weights, FLOOR))  # (n, d)
        parts, by_exponent = slope[..., 2 : 2 + d], slope[..., 2 + d : 2 + 2 * d]  # views: filled in place
        _powers(theta[:, None, 2 : 2 + d], gamma, log_weights, weights, parts)
        inner = base + parts.sum(axis=2)  # (P, n)
        log_inner = np.log(inner)
        value = np.exp(-alpha * log_inner)
        by_inner = -alpha * value / inner
        parts *= by_inner[..., None]
        np.multiply(parts, log_weights, out=by_exponent)
        by_exponent *= gamma * (1 - gamma)
        slope[..., 0] = 1
        slope[..., 1] = by_inner * base
        slope[..., 2 + 2 * d : 2 + 3 * d] = weights
        slope[..., -3] = -value * log_inner * alpha
        slope[..., -2:] = 0
        return theta[:, :1] + value + theta[:, 2 + 2 * d : 2 + 3 * d] @ weights.T, slope

    def values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See Curve."""
        d = weights.shape[1]
        gamma, log_weights = _sigmoid(theta[:, None, 2 + d : 2 + 2 * d]), np.log(np.maximum(weights, FLOOR))
        parts = np.empty((len(theta), *weights.shape))
        _powers(theta[:, None, 2 : 2 + d], gamma, log_weights, weights, parts)
        inner = np.exp(theta[:, 1:2]) + parts.sum(axis=2)
        linear = theta[:, 2 + 2 * d : 2 + 3 * d] @ weights.T
        return theta[:, :1] + linear + inner ** -np.exp(theta[:, -3:-2])

    def prior(self, domains: int) -> Prior:
        """Wide on levels, γ around ½, α around e⁻¹."""
        every, last = np.arange(domains), 3 * domains + 4
        alpha, level, exponent = last - 2, last - 1, last
        terms: list[tuple[np.ndarray, int, float, float]] = [  # parameters, level, mean, sd
            (np.array([0]), -1, -3.0, 2.0),
            (np.array([1]), level, 1.0, BASE),
            (2 + every, level, 0.0, LEVEL),
            (2 + domains + every, exponent, 0.0, EXPONENT),
            (2 + 2 * domains + every, -1, 0.0, SLOPE),
            (np.array([alpha]), -1, -1.0, 0.3),
            (np.array([level]), -1, -1.0, 3.0),
            (np.array([exponent]), -1, 0.0, 0.5),
        ]
        index, levels, mean, sd = zip(*terms, strict=True)
        times = [len(which) for which in index]
        prior = Prior(np.concatenate(index), *(np.repeat(term, times) for term in (levels, mean, sd)))
        return prior.tied(self.ties, 2, 2 + domains, 2 + 2 * domains)

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """All domains alike, the uniform mix at the mean score."""
        asymptote, gamma, alpha = chosen
        inner = (-asymptote) ** (-1 / alpha)
        level, logit = np.log(0.9 * inner / domains ** (1 - gamma)), np.log(gamma / (1 - gamma))
        each = np.repeat([level, logit, 0.0], domains)
        return np.array([asymptote, np.log(0.1 * inner), *each, np.log(alpha), level, logit])

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """See ConvexKind. The slope at weight 0 is taken as that at FLOOR, which is steep but finite.

        Second derivatives are one outer product per law, and a diagonal.
        """
        shift, scale, theta = parameters[..., 0], parameters[..., 1], parameters[..., 2:]
        d = (theta.shape[-1] - 5) // 3
        asymptote, base, alpha = theta[..., 0], np.exp(theta[..., 1]), np.exp(theta[..., -3])
        log_factors, linear = theta[..., 2 : 2 + d], theta[..., 2 + 2 * d : 2 + 3 * d]
        gamma = _sigmoid(theta[..., 2 + d : 2 + 2 * d])
        direct, bent = scale[..., None] * linear, gamma - 1
        steep, power = -scale * alpha, -alpha - 1

        def at(mix: np.ndarray) -> AtMix:
            used = np.maximum(mix, FLOOR)[..., None, :]
            parts = np.exp(log_factors + gamma * np.log(used))  # k w^γ
            inner = base + parts.sum(axis=-1)
            exact = inner if mix.min() > 0 else base + (parts * (mix > 0)[..., None, :]).sum(axis=-1)
            by_inner = steep * inner**power
            inner_slope = gamma * parts / used

            def bend(values: np.ndarray) -> np.ndarray:
                by_inner_twice = -by_inner * (alpha + 1) / inner
                outer = squared(inner_slope, values * by_inner_twice)
                own = (values * by_inner)[..., None, :] @ (bent * inner_slope / used)
                np.einsum("...ii->...i", outer)[...] += own[..., 0, :]
                return outer

            value = shift + scale * (asymptote + times(linear, mix) + exact**-alpha)
            return AtMix(value, by_inner[..., None] * inner_slope + direct, bend)

        return at


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _powers(
    log_factors: np.ndarray, gamma: np.ndarray, log_weights: np.ndarray, weights: np.ndarray, out: np.ndarray
) -> None:
    """k w^γ, and 0 at weight 0, into out (P, n, d)."""
    np.multiply(gamma, log_weights, out=out)
    out += log_factors
    np.exp(out, out=out)
    out *= weights > 0
