"""Noise that depends on the mix: scores of mixes far from the swarm's centre often scatter more.

The variance of a single run is taken as v(w) times the swarm's average, ln v rising with the distance of w from the
centre, the same for every task. Estimated by regressing the logarithms of squared residuals (Harvey 1976,
doi:10.2307/1913974), their mean over the tasks of a mix being one observation, so that tasks whose noise goes together
count once. Logarithms keep one failed proxy from deciding. The distance is Hellinger's, squared: on RegMix's public
swarm it explains as much as the predicted score does, and more than the largest weight or the leverage.

Where the slope is not SHOWN, noise is the same everywhere. Where it is, intervals and verdicts go by it. Laws are
fitted as before unless the noise is STRONG: on RegMix, where the farthest mixes scatter twice as much as the nearest,
fits that weigh them less rank unseen mixes no better (docs/EXPERIMENTS.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixes.runs import Runs

SHOWN = 2.5  # standard errors that the slope must be from zero; by chance 1 swarm in 80 is (assumed)
STRONG = 4.0  # times as much scatter at the swarm's farthest mixes as at its nearest, from which on fits count it
FEWEST = 20  # mixes, below which nothing is estimated
TINY = 1e-4  # squared residuals count as at least this, in variances: a residual of zero has no logarithm


@dataclass(frozen=True)
class Uneven:
    """The variance of a run's noise at a mix, relative to its average over the swarm's mixes."""

    centre: np.ndarray  # (n_domains,) of the swarm; empty where noise is the same everywhere
    slope: float = 0.0  # of ln v, per unit of distance
    level: float = 0.0  # ln v at distance 0
    reach: tuple[float, float] = (0.0, 0.0)  # distances in the swarm; nearer and farther mixes count as these

    def at(self, mixes: np.ndarray) -> np.ndarray:
        """(m,) at mixes (m, n_domains)."""
        if not self.slope:
            return np.ones(len(mixes))
        return np.exp(self.level + self.slope * np.clip(_distance(mixes, self.centre), *self.reach))

    @property
    def is_strong(self) -> bool:
        """Whether far mixes are so noisy that a fit should count them less."""
        return bool(np.exp(abs(self.slope) * (self.reach[1] - self.reach[0]) / 2) >= STRONG)


EVEN = Uneven(np.zeros(0))


def uneven_noise(runs: Runs, residuals: Mapping[str, np.ndarray], noise: Mapping[str, float]) -> Uneven:
    """How the noise of runs depends on their mix, from residuals and, where there are any, from replicates.

    residuals: task → (n,) of `runs.by_mix()`, as of single runs, in standard deviations; noise: task → standard
    deviation of a single run.
    """
    weights = runs.by_mix().weights()
    if len(weights) < FEWEST:
        return EVEN
    centre = weights.mean(axis=0)
    sizes, distance = [_log_size(np.array(list(residuals.values())))], [_distance(weights, centre)]
    for group in runs.replicates():
        scores = group.scores()
        off = (scores - scores.mean(axis=1, keepdims=True)) * np.sqrt(len(group) / (len(group) - 1))
        sizes.append(_log_size(off / np.array([[noise[task]] for task in group.tasks])))
        distance.append(_distance(group.weights(), centre))
    y, x = np.concatenate(sizes), np.concatenate(distance)
    is_replicate = np.arange(len(y)) >= len(weights)  # their level is that of noise alone
    columns = [np.ones(len(y)), x, is_replicate.astype(float)][: 3 if is_replicate.any() else 2]
    slope, error = _slope(np.stack(columns, axis=1), y)
    if not abs(slope) > SHOWN * error:
        return EVEN
    level = -np.log(np.exp(slope * distance[0]).mean())
    return Uneven(centre, float(slope), float(level), (float(distance[0].min()), float(distance[0].max())))


def _slope(design: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The coefficient of the second column by least squares, and its standard error."""
    coefficients, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    if rank < design.shape[1]:
        return 0.0, 1.0
    variance = ((y - design @ coefficients) ** 2).sum() / (len(y) - rank)
    return coefficients[1], np.sqrt(variance * np.linalg.inv(design.T @ design)[1, 1])


def _log_size(standardised: np.ndarray) -> np.ndarray:
    """(n,) mean over tasks of the logarithms of squares (n_tasks, n)."""
    return np.log(standardised**2 + TINY).mean(axis=0)


def _distance(mixes: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(m,) squared Hellinger distance, 0 to 1."""
    return 1 - np.sqrt(np.maximum(mixes, 0)) @ np.sqrt(centre)
