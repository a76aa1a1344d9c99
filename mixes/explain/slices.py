"""Slices: what the laws predict when one domain's weight changes and the others share the rest in proportion."""

from dataclasses import dataclass

import numpy as np

from mixes.certainty.intervals import score_intervals
from mixes.recommendation.problem import Problem

BEYOND = 1.25  # how far past the weights of interest a slice goes
MOST_TRIED = 0.9  # quantile of the tried weights that is of interest


@dataclass(frozen=True)
class Slice:
    """The scores of one aim along one domain; lower is better."""

    domain: str
    weights: np.ndarray  # (m,) of the domain, ascending
    scores: np.ndarray  # (m,) by the laws, what they overstate taken off
    low: np.ndarray  # (m,) a single proxy's score lies above, at the question's coverage …
    high: np.ndarray  # (m,) … and below


def slice_mixes(through: np.ndarray, domain: int, weights: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(m, n_domains) mixes with `weights` (m,) of one domain, the others in the proportions of `through` (n_domains,).

    Where `through` is that domain alone, the others take the proportions of `rest` (n_domains,).
    """
    others = np.where(np.arange(len(through)) == domain, 0.0, through)
    if others.sum() <= 0:
        others = np.where(np.arange(len(through)) == domain, 0.0, rest)
    mixes = np.outer(1 - weights, others / others.sum())
    mixes[:, domain] = weights
    return mixes


def slice_along(
    problem: Problem, aim: str, through: np.ndarray, domain: str, points: int = 25, optimism: float = 0.0
) -> Slice:
    """The slice of one aim along one domain through a mix (n_domains,), from 0 to past the weights of interest: that of
    the mix, that of the reference, and nearly all that were tried. The weight of `through` itself is one of the points.

    `optimism` (`Predicted.optimism`) is what the laws overstate `through` by. It is taken off the whole slice, which
    then passes through the score that a recommendation states.
    """
    column = problem.fitted.runs.domains.index(domain)
    tried = float(np.quantile(problem.tried[:, column], MOST_TRIED))
    largest = max(tried, float(problem.reference[column]), float(through[column]), 1e-3)
    weights = np.linspace(0, min(1.0, BEYOND * largest), points)
    weights = np.unique(np.append(weights, through[column]))
    mixes = slice_mixes(through, column, weights, problem.reference)
    counted = problem.aims[aim]
    scores = problem.objective_of(counted).value(mixes) + optimism
    ends = score_intervals(problem.fitted.local_fits, counted, mixes, problem.question.settings.coverage) + optimism
    return Slice(domain, weights, scores, ends[:, 0], ends[:, 1])
