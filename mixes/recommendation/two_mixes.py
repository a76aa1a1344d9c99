"""What one mix scores, and what it gains over another, where neither has to be an optimum."""

from collections.abc import Mapping

import numpy as np

from mixes.certainty.intervals import Gain, gain_of
from mixes.certainty.worlds import Worlds
from mixes.recommendation.problem import Problem


def gains_over(
    problem: Problem, worlds: Worlds, aim: Mapping[str, float], mixes: np.ndarray, other: np.ndarray
) -> list[Gain]:
    """What each of `mixes` (m, n_domains) gains over `other` (n_domains,) on an aim (task → weight), with intervals.

    All are taken as they stand. Where one was chosen because the laws favour it, what that choice adds to its gain is
    not taken off.
    """
    every = np.concatenate([mixes, other[None]])
    values, errors = problem.objective_of(aim).value(every), worlds.errors(aim, every)  # (m + 1,), (B, m + 1)
    coverage = problem.question.settings.coverage
    return [gain_of(float(values[-1] - values[i]), errors[:, -1] - errors[:, i], coverage) for i in range(len(mixes))]


def gain_between(
    problem: Problem, worlds: Worlds, aim: Mapping[str, float], mix: np.ndarray, other: np.ndarray
) -> Gain:
    """What one mix (n_domains,) gains over another."""
    return gains_over(problem, worlds, aim, mix[None], other)[0]
