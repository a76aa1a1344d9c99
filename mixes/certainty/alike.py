"""Whether mixes that are near each other are missed alike: a sign that the laws' form lacks something.

Noise of one proxy says nothing about that of another. What a law cannot express changes slowly from mix to mix, so it
shows as residuals of near mixes that go together. The law takes it for noise, and more runs make its intervals
narrower, but not truer. Source: a mix against its nearest neighbour is Moran's test of spatial correlation (Moran 1950,
"Notes on continuous stochastic phenomena").
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mixes.certainty.local_fit import LocalFit

ROWS = 1024  # of a block of distances
OUTLIER = 3.0  # standard deviations at which a residual is cut, so that no failed proxy decides


@dataclass(frozen=True)
class Alike:
    """Correlation of held-out residuals of each mix and its nearest one, mean over tasks, and its standard error."""

    correlation: float
    error: float


def missed_alike(fits: Iterable[LocalFit]) -> Alike:
    """How alike the laws of some tasks miss mixes that are near each other.

    Neighbours are nearest by √ of the weights, in which a domain that appears at all counts. Tasks share noise, so one
    mix's mean over tasks is one observation. Without any misfit the correlation is 0 or a little below, since laws bend
    towards both.
    """
    fits = list(fits)
    residuals = np.array([fit.standardised for fit in fits])  # (T, n)
    residuals = np.clip(residuals / (np.sqrt((residuals**2).mean(axis=1, keepdims=True)) + 1e-300), -OUTLIER, OUTLIER)
    products = (residuals * residuals[:, _nearest(np.sqrt(fits[0].weights))]).mean(axis=0)  # (n,)
    return Alike(float(products.mean()), float(products.std(ddof=1) / np.sqrt(len(products))))


def _nearest(places: np.ndarray) -> np.ndarray:
    """(n,) the row that is nearest to each row of (n, d)."""
    squares, nearest = (places**2).sum(axis=1), []
    for first in range(0, len(places), ROWS):
        block = slice(first, first + ROWS)
        apart = squares - 2 * places[block] @ places.T  # less the block's own squares, which are alike in a row
        apart[np.arange(len(apart)), np.arange(len(places))[block]] = np.inf
        nearest.append(apart.argmin(axis=1))
    return np.concatenate(nearest)
