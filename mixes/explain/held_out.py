"""Predicted against observed: every tried mix, scored by laws that were fitted without it.

The prediction without a mix follows from the fit's leverage (mixes/certainty/local_fit.py). Its interval is for that
mix's score: the quantile of the other held-out residuals, each in units of its own standard deviation. Over all mixes
such intervals hold their share by construction. So `coverages` also counts them on the mixes with the best predictions,
where the recommendation lies and nothing makes them right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixes.certainty.local_fit import MOST_LEVERAGE
from mixes.laws.rank_correlation import rank_correlation
from mixes.recommendation.problem import Problem

BEST = 1 / 3  # share of the mixes, those with the best predictions, as in mixes/recommendation/cautions.py


@dataclass(frozen=True)
class HeldOut:
    """One aim's held-out predictions; lower is better."""

    mixes: tuple[str, ...]
    observed: np.ndarray  # (n,) mean over a mix's seeds
    predicted: np.ndarray  # (n,)
    low: np.ndarray  # (n,) ends of each prediction's interval
    high: np.ndarray  # (n,)
    rank_correlation: float

    @property
    def inside(self) -> np.ndarray:
        """(n,) whether the observed score lies in its interval."""
        return (self.low <= self.observed) & (self.observed <= self.high)

    @property
    def error(self) -> float:
        """Root mean squared."""
        return float(np.sqrt(np.mean((self.predicted - self.observed) ** 2)))


@dataclass(frozen=True)
class Coverage:
    """How many held-out scores lie in intervals of one nominal level."""

    nominal: float
    of_all: float
    of_best: float  # of the mixes with the best predictions
    count: int  # of these


def held_out(problem: Problem, aim: str, coverage: float | None = None) -> HeldOut:
    """Predicted and observed scores of one aim; coverage: of the intervals, None takes the question's."""
    level = problem.question.settings.coverage if coverage is None else coverage
    runs, fits = problem.fitted.runs.by_mix(), problem.fitted.local_fits
    counted = {task: value for task, value in problem.aims[aim].items() if value}
    values = np.array([counted.get(task, 0.0) for task in runs.tasks])
    observed = values @ runs.scores()
    missed = np.sum([value * fits[task].held_out for task, value in counted.items()], axis=0)
    spread = np.array([(value * fits[task].noise) ** 2 for task, value in counted.items()])
    spread = spread / spread.sum()
    own = np.minimum(spread @ [fits[task].leverage for task in counted], MOST_LEVERAGE)
    of_run = np.sqrt(spread @ [fits[task].spread ** 2 for task in counted])
    scale = of_run / np.sqrt(1 - own)  # a held-out residual's, in units of a single run's
    sizes = np.abs(missed) / scale
    half = scale * np.array([_quantile(np.delete(sizes, i), level) for i in range(len(sizes))])
    predicted = observed + missed
    rank = rank_correlation(predicted, observed)
    return HeldOut(runs.mixes, observed, predicted, predicted - half, predicted + half, rank)


def coverages(problem: Problem, aim: str, levels: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)) -> list[Coverage]:
    """Nominal against actual coverage of held-out scores."""
    rows = []
    for level in levels:
        scored = held_out(problem, aim, level)
        count = max(3, round(BEST * len(scored.predicted)))
        best = np.argsort(scored.predicted, kind="stable")[:count]
        rows.append(Coverage(level, float(scored.inside.mean()), float(scored.inside[best].mean()), count))
    return rows


def _quantile(sizes: np.ndarray, level: float) -> float:
    rank = min(int(np.ceil((len(sizes) + 1) * level)), len(sizes))
    return float(np.sort(sizes)[rank - 1])
