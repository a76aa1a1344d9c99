"""What one mix scores, and what it gains over another, where neither has to be an optimum."""

from collections.abc import Mapping

import numpy as np

from mixes.certainty.intervals import Gain, gain_of
from mixes.certainty.worlds import Worlds
from mixes.recommendation.problem import Problem


def gain_between(
    problem: Problem, worlds: Worlds, aim: Mapping[str, float], mix: np.ndarray, other: np.ndarray
) -> Gain:
    """What `mix` (n_domains,) gains over `other` (n_domains,) on an aim (task → weight), with its interval.

    Both are taken as they stand. Where one was chosen because the laws favour it, what that choice adds to its gain
    is not taken off.
    """
    both = np.stack([mix, other])
    on_mix, on_other = problem.objective_of(aim).value(both)
    errors = worlds.errors(aim, both)  # (B, 2)
    return gain_of(float(on_other - on_mix), errors[:, 1] - errors[:, 0], problem.question.settings.coverage)
