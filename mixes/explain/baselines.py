"""What simple mixes gain, and on what one of them beats the recommendation.

A simple mix is not chosen by the laws, so its score is what they say: nothing is taken off, as for natural.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixes.certainty.worlds import Worlds
from mixes.recommendation.baselines import Baseline
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import Predicted
from mixes.recommendation.two_mixes import gains_over


@dataclass(frozen=True)
class SimpleGain:
    """What a simple mix gains over the reference on one aim; above 0 is better."""

    value: float  # by the laws
    low: float
    high: float


@dataclass(frozen=True)
class Ahead:
    """An aim on which a simple mix is predicted to beat the recommendation by more than noise."""

    aim: str
    baseline: Baseline
    by: float
    low: float
    high: float


def simple_gains(
    problem: Problem, worlds: Worlds, simple: Sequence[Baseline], aims: Sequence[str]
) -> dict[str, list[SimpleGain]]:
    """Aim → what each simple mix gains over the reference."""
    mixes = np.array([baseline.mix for baseline in simple])
    rows = {}
    for aim in aims:
        gains = gains_over(problem, worlds, problem.aims[aim], mixes, problem.reference)
        rows[aim] = [SimpleGain(g.claimed, min(g.low, g.claimed), max(g.high, g.claimed)) for g in gains]
    return rows


def ahead(
    problem: Problem, worlds: Worlds, simple: Sequence[Baseline], mix: np.ndarray, row: Predicted, aim: str
) -> Ahead | None:
    """The simple mix that beats the recommended `mix` (n_domains,) most on one aim, if one does by more than noise.

    The interval of the difference must exclude zero, and the difference exceed that of two proxies of equal mixes.

    Args:
        problem: what was asked.
        worlds: its imagined worlds.
        simple: the simple mixes.
        mix: the recommended one.
        row: what it is predicted to gain on the aim.
        aim: the target, a family or a task.
    """
    mixes = np.array([baseline.mix for baseline in simple])
    over = gains_over(problem, worlds, problem.aims[aim], mixes, mix)
    own = gains_over(problem, worlds, problem.aims[aim], mixes, problem.reference)
    best: Ahead | None = None
    for baseline, difference, gain in zip(simple, over, own, strict=True):
        by = gain.claimed - row.gain  # what a reader gets who subtracts the two stated gains
        low, high = (min(by, end + by - difference.value) if i == 0 else max(by, end + by - difference.value)
                     for i, end in enumerate((difference.low, difference.high)))  # fmt: skip
        if low > 0 and by > row.noise and (best is None or by > best.by):
            best = Ahead(aim, baseline, by, low, high)
    return best
