"""Laws: regressions from mix weights to a task's bpb, fitted for many tasks and row weightings at once.

linear      y = w·b                                    scikit-learn's ordinary least squares
log_linear  y = c + exp(t·w)                           Data Mixing Laws (arXiv 2403.16952); OLMo 3
transfer    y = c + (e + Σ_j k_j w_j^γ)^(−α)           k, e > 0, 0 < γ < 1, α > 0: a power law in the effective
                                                       data Σ k w^γ that the domains transfer to the task

All three are convex in w, so the best mix is an exact convex problem. Scores are standardised per problem
before the fit; the priors below are stated on that scale, and are weak: they decide only what few runs leave
open. Axes: P problems (task × row weighting), n runs, d domains, q parameters.
"""

from dataclasses import dataclass
from typing import Protocol

import cvxpy as cp
import numpy as np
from sklearn.linear_model import LinearRegression

from mixes.solver import least_squares

NOISE = 0.1  # residual of a good law, in standard deviations of the scores: the first fit's assumption …
PASSES = 2  # … which the second replaces by the first's own residual, so that noisy tasks lean on the priors
NOISE_RANGE = (0.02, 1.0)  # that an estimated residual is kept in
FLOOR = 1e-9  # weight below which ln w is taken as that of this weight (w^γ ln w → 0)


class LawKind(Protocol):
    """One form of law."""

    name: str

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, near: np.ndarray | None = None
    ) -> np.ndarray:
        """Fit weights (n, d) to scores (P, n), each problem with its own row weights (P, n) → parameters (P, q).

        `near` (P, q): parameters of almost the same problems, to start from.
        """
        ...

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Parameters (P, q) at weights (n, d) → bpb (P, n)."""
        ...

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Parameters (P, q) at one mix (d,) → d bpb / d weights (P, d)."""
        ...

    def expression(self, parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
        """Parameters (q,) as a convex expression of the mix (d,)."""
        ...


class Linear:
    """y = w·b; the weights sum to one, so there is no intercept."""

    name = "linear"

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


@dataclass(frozen=True)
class Prior:
    """A normal prior on each parameter."""

    mean: np.ndarray  # (q,)
    sd: np.ndarray  # (q,)


class Curve:
    """A non-linear law: its curve on standardised scores, fitted from several starts; the best end stands.

    Stored parameters are [shift, scale, *curve parameters].
    """

    name: str
    starts: tuple[tuple[float, ...], ...]

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Curve parameters (P, q) → values (P, n), Jacobian (P, n, q)."""
        raise NotImplementedError

    def prior(self, domains: int) -> Prior:
        """The prior on the curve's parameters."""
        raise NotImplementedError

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """One start (q,)."""
        raise NotImplementedError

    def extra(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Further residuals (P, m) with their Jacobian (P, m, q); none by default."""
        return np.zeros((len(theta), 0)), np.zeros((len(theta), 0, theta.shape[1]))

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, near: np.ndarray | None = None
    ) -> np.ndarray:
        """See LawKind."""
        total = rows.sum(axis=1, keepdims=True)
        shift = (rows * scores).sum(axis=1, keepdims=True) / total
        scale = np.sqrt((rows * (scores - shift) ** 2).sum(axis=1, keepdims=True) / total) + 1e-12
        y, noise = (scores - shift) / scale, np.full((len(scores), 1), NOISE)
        if near is None:
            starts = [np.tile(self.start(weights.shape[1], chosen), (len(scores), 1)) for chosen in self.starts]
        else:
            starts = [near[:, 2:]]
        for _ in range(PASSES):
            theta = self._fit_once(weights, y, np.sqrt(rows) / noise, starts)
            starts = [theta]
            residual = self.curve(theta, weights)[0] - y
            freedom = total - np.minimum(weights.shape[1], total / 2)
            noise = np.sqrt((rows * residual**2).sum(axis=1, keepdims=True) / freedom).clip(*NOISE_RANGE)
        return np.concatenate([shift, scale, theta], axis=1)

    def _fit_once(self, weights: np.ndarray, y: np.ndarray, root: np.ndarray, starts: list[np.ndarray]) -> np.ndarray:
        """The best end of all starts; y and root (√ of a row's precision) are (P, n)."""
        prior = self.prior(weights.shape[1])

        def residuals(theta: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = self.curve(theta, weights)
            pull = np.broadcast_to(np.diag(1 / prior.sd), (len(theta), len(prior.sd), len(prior.sd)))
            more, more_slope = self.extra(theta)
            r = np.concatenate([root[which] * (value - y[which]), (theta - prior.mean) / prior.sd, more], axis=1)
            return r, np.concatenate([root[which][..., None] * slope, pull, more_slope], axis=1)

        with np.errstate(over="ignore", invalid="ignore"):
            ends = [least_squares(residuals, start) for start in starts]
        best = np.argmin([cost for _, cost in ends], axis=0)
        return np.array([theta for theta, _ in ends])[best, np.arange(len(y))]

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return parameters[:, :1] + parameters[:, 1:2] * self.curve(parameters[:, 2:], weights)[0]


class LogLinear(Curve):
    """y = c + exp(t·w): every domain pulls the score down, or up, at its own rate."""

    name = "log_linear"
    starts = ((-1.5,), (-3.0,), (-8.0,))

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """theta = [c, t_1 … t_d]."""
        value = np.exp(theta[:, 1:] @ weights.T)
        slope = np.concatenate([np.ones((*value.shape, 1)), value[..., None] * weights], axis=2)
        return theta[:, :1] + value, slope

    def prior(self, domains: int) -> Prior:
        """c a few deviations under the mean; t anything that a factor of e^3 covers."""
        return Prior(np.array([-2.5, *[0.5] * domains]), np.array([3.0, *[3.0] * domains]))

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """A flat curve through the mean, from several asymptotes."""
        return np.array([chosen[0], *[np.log(-chosen[0])] * domains])

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        rates = parameters[:, 3:]
        return parameters[:, 1:2] * np.exp(rates @ weights)[:, None] * rates

    def expression(self, parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
        """See LawKind."""
        shift, scale, asymptote, *rates = parameters
        return shift + scale * (asymptote + cp.exp(np.array(rates) @ weights))


class Transfer(Curve):
    """y = c + (e + Σ_j k_j w_j^γ)^(−α), by theta = [c, ln e, ln k_1 … ln k_d, logit γ, ln α, μ].

    μ is the level that the ln k_j are shrunk to: with few runs, domains that nothing tells apart are alike.
    """

    name = "transfer"
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
        theta = parameters[:, 2:]
        gamma, alpha = 1 / (1 + np.exp(-theta[:, -3:-2])), np.exp(theta[:, -2:-1])
        at = np.maximum(weights, FLOOR)
        k = np.exp(theta[:, 2:-3])
        inner = np.exp(theta[:, 1:2]) + (k * at**gamma).sum(axis=1, keepdims=True)
        return -parameters[:, 1:2] * alpha * inner ** (-alpha - 1) * gamma * k * at ** (gamma - 1)

    def expression(self, parameters: np.ndarray, weights: cp.Variable) -> cp.Expression:
        """See LawKind."""
        theta = parameters[2:]
        gamma, alpha = 1 / (1 + np.exp(-theta[-3])), np.exp(theta[-2])
        inner = np.exp(theta[1]) + np.exp(theta[2:-3]) @ cp.power(weights, gamma, approx=False)
        return parameters[0] + parameters[1] * (theta[0] + cp.power(inner, -alpha, approx=False))


LAWS: dict[str, LawKind] = {law.name: law for law in (Linear(), LogLinear(), Transfer())}
