"""Non-linear laws: one regularised least-squares fit for all tasks and row weightings.

Scores are standardised per problem before the fit; priors are stated on that scale, and are weak: they decide
only what few runs leave open.
"""

from dataclasses import dataclass

import numpy as np

from mixes.solver import least_squares

NOISE = 0.1  # residual of a good law, in standard deviations of the scores: the first fit's assumption …
PASSES = 2  # … which the second replaces by the first's own residual, so that noisy tasks lean on the priors
NOISE_RANGE = (0.02, 1.0)  # that an estimated residual is kept in


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
