"""Simple mixes, which take no swarm: uniform, UniMax, natural made more even."""

from dataclasses import dataclass

import numpy as np

from mixes.optimum.baselines import tempered_mix, unimax_mix
from mixes.optimum.from_settings import epoch_bounds
from mixes.recommendation.problem import Problem

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
