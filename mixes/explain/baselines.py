"""Simple mixes beside a recommendation: uniform, UniMax, natural made more even; and on what one of them beats it.

A simple mix is not chosen by the laws, so its score is what they say: nothing is taken off, as for natural.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixes.certainty.worlds import Worlds
from mixes.explain.two_mixes import gains_over
from mixes.optimum.baselines import tempered_mix, unimax_mix
from mixes.optimum.from_settings import epoch_bounds
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import Predicted

POWERS = (0.7, 0.5, 0.3)  # of natural shares: mBERT's, XLM's, XLM-R's
UNIFORM, UNIMAX = "uniform", "UniMax"
SAME = 1e-6  # weight by which two mixes must differ somewhere


@dataclass(frozen=True)
class Baseline:
    """A mix that takes no swarm."""

    name: str
    mix: np.ndarray  # (n_domains,)
    allowed: bool  # whether it meets all limits on the recommended mix
    repeats: float | None  # how often it repeats its most repeated domain at the budget; None: unknown
    too_often: tuple[str, float] | None  # a domain that it repeats more often than allowed, and how often


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


def baselines(problem: Problem) -> list[Baseline]:
    """Uniform; UniMax where available tokens are known and epochs exclude uniform; tempered mixes where natural is."""
    holdings, count = problem.question.holdings, len(problem.reference)
    mixes = {UNIFORM: np.full(count, 1 / count)}
    if holdings.available and problem.question.budget:
        mixes[UNIMAX] = unimax_mix(_epoch_caps(problem))
        if np.abs(mixes[UNIMAX] - mixes[UNIFORM]).max() < SAME:
            del mixes[UNIMAX]
    if holdings.natural is not None:
        mixes |= {f"natural^{power:g}": tempered_mix(problem.reference, power) for power in POWERS}
    return [_described(problem, name, mix) for name, mix in mixes.items()]


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


def _epoch_caps(problem: Problem) -> np.ndarray:
    """(n_domains,) the largest weight that each domain's epochs allow."""
    question, domains = problem.question, problem.fitted.runs.domains
    settings, available = question.settings, question.holdings.available
    assert available
    bounds = epoch_bounds(available, question.budget or 0.0, settings.max_epochs, settings.limits.epochs, domains)
    caps = {bound.domains[0]: bound.high for bound in bounds}
    return np.array([caps.get(name, 1.0) for name in domains])


def _described(problem: Problem, name: str, mix: np.ndarray) -> Baseline:
    allowed = bool(problem.limits.met(mix[None])[0])
    available, budget = problem.question.holdings.available, problem.question.budget
    if not available or not budget:
        return Baseline(name, mix, allowed, None, None)
    domains = problem.fitted.runs.domains
    times = mix * budget / np.array([available[domain] for domain in domains])
    over = mix / _epoch_caps(problem)
    worst = int(over.argmax())
    too_often = (domains[worst], float(times[worst])) if over[worst] > 1 + SAME else None
    return Baseline(name, mix, allowed, float(times.max()), too_often)
