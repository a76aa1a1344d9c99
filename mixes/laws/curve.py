"""Non-linear laws: one robust, regularised least-squares fit for all tasks and row weightings.

Scores are standardised per problem before the fit. Priors are stated on that scale, and are weak: they decide
only what few runs leave open. Residuals are taken as Student's t, by reweighting (Lange, Little and Taylor 1989,
"Robust statistical modeling using the t distribution"): now and then a proxy fails to learn, and the held-out
residuals of every law that was tried had kurtoses of 2 to 19.
"""

from collections.abc import Callable

import numpy as np

from mixes.laws.kind import AtMix
from mixes.laws.solver import BLOCK, LARGE, Prior, in_blocks, large_least_squares, least_squares

NOISE = 0.1  # residual of a good law, in standard deviations of the scores: assumed in the first fit …
PASSES = 3  # … and replaced in the next ones by the residual of the one before, so that noisy tasks lean on the priors
REFIT_PASSES = 1  # from parameters of almost the same problem, whose residual is known
TOLERANCE, REFIT_TOLERANCE = 1e-6, 1e-5  # gain at which a fit stops; refits: bootstrap replicates and folds
MOST_NOISE = 1.0  # upper bound of an estimated residual
FREEDOM = 4.0  # of Student's t; 3 to 6 rank alike in cross-validation


class Curve:
    """A non-linear law: its curve on standardised scores, fitted from several starts, of which the best end is kept.

    Stored parameters are [shift, scale, *curve parameters].
    """

    name: str
    least_noise = 0.02  # lower bound of an estimated residual
    starts: tuple[tuple[float, ...], ...]

    def __init__(self, ties: tuple[int, ...] = ()) -> None:
        """ties: which domains are parts of one (mixes/quality_parts.py); empty: none is."""
        self.ties = ties

    def curve(self, theta: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Curve parameters (P, q) → values (P, n), Jacobian (P, n, q)."""
        raise NotImplementedError

    def values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Curve parameters (P, q) → values (P, n)."""
        raise NotImplementedError

    def prior(self, domains: int) -> Prior:
        """The prior on the curve's parameters."""
        raise NotImplementedError

    def start(self, domains: int, chosen: tuple[float, ...]) -> np.ndarray:
        """One start (q,)."""
        raise NotImplementedError

    def determined(self, weights: np.ndarray) -> int:
        """About how many parameters the scores determine, whatever the priors say."""
        return weights.shape[1]

    def standard(self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(P, 1) what scores (P, n) are standardised by: their mean and their standard deviation."""
        total = rows.sum(axis=1, keepdims=True)
        shift = (rows * scores).sum(axis=1, keepdims=True) / total
        return shift, np.sqrt((rows * (scores - shift) ** 2).sum(axis=1, keepdims=True) / total) + 1e-12

    def fit(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, initial: np.ndarray | None = None
    ) -> np.ndarray:
        """See LawKind."""
        starts = np.array([self.start(weights.shape[1], chosen) for chosen in self.starts])
        if len(weights) * starts.shape[1] > LARGE:
            starts = starts[:1]  # with this many runs every start leads to the same end

        def solve(block: np.ndarray) -> np.ndarray:
            return self._fit_block(
                weights, scores[block], rows[block], starts, None if initial is None else initial[block]
            )

        return in_blocks(solve, len(scores), len(weights) * starts.shape[1])

    def _fit_block(
        self, weights: np.ndarray, scores: np.ndarray, rows: np.ndarray, starts: np.ndarray, initial: np.ndarray | None
    ) -> np.ndarray:
        shift, scale = self.standard(weights, scores, rows)
        y = (scores - shift) / scale
        if initial is None:
            ends = [self._fit_once(weights, y, np.sqrt(rows) / NOISE, np.tile(start, (len(y), 1))) for start in starts]
            best = np.argmin([cost for _, cost in ends], axis=0)
            theta = np.array([end for end, _ in ends])[best, np.arange(len(y))]
        else:
            theta = initial[:, 2:]
        for _ in range(PASSES - 1 if initial is None else REFIT_PASSES):
            precision = _precision(self._values(theta, weights) - y, rows, self.determined(weights), self.least_noise)
            theta, _ = self._fit_once(
                weights, y, np.sqrt(precision), theta, TOLERANCE if initial is None else REFIT_TOLERANCE
            )
        return np.concatenate([shift, scale, theta], axis=1)

    def _fit_once(
        self, weights: np.ndarray, y: np.ndarray, root: np.ndarray, start: np.ndarray, tolerance: float = TOLERANCE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Parameters (P, q) and costs (P,); y and root (√ of a row's precision) are (P, n)."""
        prior = self.prior(weights.shape[1])

        def residuals(theta: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slope = self.curve(theta, weights)
            slope *= root[which][..., None]
            return root[which] * (value - y[which]), slope

        def of_rows(theta: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray]:
            value, slope = self.curve(theta[None], weights[rows])
            return root[0, rows] * (value[0] - y[0, rows]), root[0, rows, None] * slope[0]

        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if len(weights) * start.shape[1] <= LARGE:
                return least_squares(residuals, prior, start, tolerance=tolerance)
            theta, cost = large_least_squares(of_rows, len(weights), prior, start[0], tolerance)  # a block of one
            return theta[None], np.array([cost])

    def predict(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return parameters[:, :1] + parameters[:, 1:2] * self._values(parameters[:, 2:], weights)

    def at(self, parameters: np.ndarray) -> Callable[[np.ndarray], AtMix]:
        """See ConvexKind."""
        raise NotImplementedError

    def gradient(self, parameters: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """See LawKind."""
        return self.at(parameters)(weights).slopes

    def _values(self, theta: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """`values`, over slices of the rows: a law may hold (P, rows, d) numbers at a time."""
        step = max(1, 4 * BLOCK // (len(theta) * weights.shape[1]))
        return np.concatenate(
            [self.values(theta, weights[first : first + step]) for first in range(0, len(weights), step)], axis=1
        )


def _precision(residual: np.ndarray, rows: np.ndarray, determined: int, least: float) -> np.ndarray:
    """Each row's precision (P, n): its weight over the residual variance, reduced for outliers as Student's t asks."""
    count = (rows > 0).sum(axis=1, keepdims=True)
    freedom = count - np.minimum(determined, count / 2)
    share, variance = np.ones_like(rows), np.ones(count.shape)
    for _ in range(10):
        variance = ((rows * share * residual**2).sum(axis=1, keepdims=True) / freedom).clip(least**2, MOST_NOISE**2)
        share = (FREEDOM + 1) / (FREEDOM + rows * residual**2 / variance)
    return rows * share / variance
