"""y = c + (e + Σ_j k_j w_j^γ)^(−α), with k, e > 0, 0 < γ < 1, α > 0: a power law in the effective data Σ k w^γ that
the domains transfer to the task.

The inner sum is concave in w and s^(−α) convex and falling, so the law is convex in w.
"""

import cvxpy as cp
import numpy as np

from mixes.laws.curve import Curve, Prior

FLOOR = 1e-9  # weight below which ln w is taken as that of this weight (w^γ ln w → 0)


class Transfer(Curve):
    """y = c + (e + Σ_j k_j w_j^γ)^(−α), by theta = [c, ln e, ln k_1 … ln k_d, logit γ, ln α, μ].

    μ is the level that the ln k_j are shrunk to: with few runs, domains that nothing tells apart are alike.
    """

    name = "transfer"
    convex = True
    starts = ((-2.0, 0.5, 0.5), (-4.0, 0.7, 0.3), (-1.5, 0.3, 1.0))

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See the class."""
        log_weights = np.log(np.maximum(weights, FLOOR))  # (n, d)
        gamma = 1 / (1 + np.exp(-theta[:, -3]))  # (P,)
        alpha = np.exp(theta[:, -2])
        powered = np.exp(gamma[:, None, None] * log_weights) * (weights > 0)  # (P, n, d)
        parts = np.exp(theta[:, None, 2:-3]) * powered  # k w^γ
        base = np.exp(theta[:, 1])[:, None]
        inner = base + parts.sum(axis=2)  # (P, n)
        value = inner ** -alpha[:, None]
        by_inner = -alpha[:, None] * value / inner
        slope = np.empty((*value.shape, theta.shape[1]))
        slope[..., 0] = 1
        slope[..., 1] = by_inner * base
        slope[..., 2:-3] = by_inner[..., None] * parts
        slope[..., -3] = by_inner * np.einsum("pnd,nd->pn", parts, log_weights) * (gamma * (1 - gamma))[:, None]
        slope[..., -2] = -value * np.log(inner) * alpha[:, None]
        slope[..., -1] = 0
        return theta[:, :1] + value, slope

    def prior(self, domains: int) -> Prior:
        """Wide on levels, γ around ½, α around e⁻¹; ln e and the ln k_j have theirs in `extra`.

        Chosen by cross-validated error on swarms of the sample corpus (docs/EXPERIMENTS.md).
        """
        return Prior(
            np.array([-3.0, 0.0, *[0.0] * domains, 0.0, -1.0, -1.0]),
            np.array([2.0, 1e6, *[1e6] * domains, 0.5, 0.3, 3.0]),
        )

    def extra(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(ln k_j − μ) / 1.5, so that a domain may matter several times more or less than its fellows, and
        (ln e − μ − 1) / ½: what no domain gives is no less than what one gives, so a mix without the domains
        that a task needs is predicted bad, not infinitely so."""
        domains = theta.shape[1] - 5
        slope = np.zeros((len(theta), domains + 1, theta.shape[1]))
        slope[:, np.arange(domains), np.arange(2, 2 + domains)] = 1 / 1.5
        slope[:, :domains, -1] = -1 / 1.5
        slope[:, domains, 1], slope[:, domains, -1] = 2.0, -2.0
        shrunk = (theta[:, 2:-3] - theta[:, -1:]) / 1.5
        return np.concatenate([shrunk, 2 * (theta[:, 1:2] - theta[:, -1:] - 1)], axis=1), slope

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """All domains alike, the uniform mix at the mean score."""
        asymptote, gamma, alpha = chosen
        inner = (-asymptote) ** (-1 / alpha)
        level = np.log(0.9 * inner / domains ** (1 - gamma))
        logit = np.log(gamma / (1 - gamma))
        return np.array([asymptote, np.log(0.1 * inner), *[level] * domains, logit, np.log(alpha), level])

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind; a weight of zero counts as FLOOR, where the slope is steep but finite."""
        by_inner, _, inner_slope, _ = self._slopes(parameters, weights)
        return by_inner[:, None] * inner_slope

    def curvature(self, parameters: np.ndarray, weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        """See ConvexKind: one outer product a law, and a diagonal."""
        by_inner, by_inner_twice, inner_slope, inner_bend = self._slopes(parameters, weights)
        outer = (inner_slope * (values * by_inner_twice)[:, None]).T @ inner_slope
        return outer + np.diag((values * by_inner) @ inner_bend)

    def _slopes(self, parameters: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
        """d y / d inner and its own slope (P,); d inner / d w and its own slope (P, d), which is diagonal."""
        theta = parameters[:, 2:]
        gamma, alpha = 1 / (1 + np.exp(-theta[:, -3:-2])), np.exp(theta[:, -2])
        at = np.maximum(weights, FLOOR)
        parts = np.exp(theta[:, 2:-3]) * at**gamma  # k w^γ
        inner = np.exp(theta[:, 1]) + parts.sum(axis=1)
        by_inner = -parameters[:, 1] * alpha * inner ** (-alpha - 1)
        inner_slope = gamma * parts / at
        return by_inner, -by_inner * (alpha + 1) / inner, inner_slope, (gamma - 1) * inner_slope / at

    def expression(self, parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
        """See LawKind."""
        theta = parameters[2:]
        gamma, alpha = 1 / (1 + np.exp(-theta[-3])), np.exp(theta[-2])
        inner = np.exp(theta[1]) + np.exp(theta[2:-3]) @ cp.power(weights, gamma, approx=False)
        return parameters[0] + parameters[1] * (theta[0] + cp.power(inner, -alpha, approx=False))
