"""Predicted scores of a mix, aim by aim: the rows of a recommendation."""

from collections.abc import Mapping

import numpy as np

from mixes.certainty.intervals import ON_BOUND, Gain, gain_of, score_intervals
from mixes.certainty.noise import spreads
from mixes.certainty.worlds import OwnGains
from mixes.laws.fit import TaskLaw
from mixes.optimum.marginal import marginal_values
from mixes.optimum.pareto import pareto_front
from mixes.recommendation.forgetting import Forgotten
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import FrontMix, LawRow, Predicted


def gains_of(problem: Problem, worlds: OwnGains, best: np.ndarray) -> dict[str, Gain]:
    """Aim → what `best` (n_domains,) gains over the reference, corrected by the worlds' overstatements."""
    return {name: gain_on(problem, aim, worlds, best) for name, aim in problem.aims.items()}


def gain_on(problem: Problem, aim: Mapping[str, float], worlds: OwnGains, best: np.ndarray) -> Gain:
    """The same for one aim."""
    on_best, on_reference = problem.objective_of(aim).value(np.array([best, problem.reference]))
    return gain_of(float(on_reference - on_best), worlds.errors(aim), problem.question.settings.coverage)


def predicted_row(problem: Problem, name: str, best: np.ndarray, gain: Gain) -> Predicted:
    """One aim's scores under `best` (n_domains,), the reference and the uniform mix."""
    aim, fitted = problem.aims[name], problem.fitted
    uniform = np.full(len(best), 1 / len(best))
    natural, of_uniform = problem.objective_of(aim).value(np.array([problem.reference, uniform])).tolist()
    coverage = problem.question.settings.coverage
    low, high = score_intervals(fitted.local_fits, aim, best[None], coverage)[0] + gain.optimism
    return Predicted(
        mix=natural - gain.value,
        natural=natural,
        uniform=of_uniform,
        gain=gain.value,
        gain_low=min(gain.low, gain.value),
        gain_high=max(gain.high, gain.value),
        chance=gain.chance,
        mix_low=float(low),
        mix_high=float(high),
        noise=problem.noise_between(name, best),
        optimism=gain.optimism,
        error=sum(value * fitted.laws[task].error for task, value in aim.items()),
    )


def forgotten_row(problem: Problem, name: str, predicted: Predicted) -> Forgotten:
    """What the checkpoint loses on one aim."""
    own, floor = problem.own[name], problem.question.settings.limits.keep.get(name)
    return Forgotten(own, predicted.mix - own, predicted.mix_low - own, predicted.mix_high - own, floor)


def marginal_rows(problem: Problem, best: np.ndarray) -> dict[str, dict[str, float]]:
    """Domain → family → change by one more percent of it; empty where the domain already fills more than 99 %."""
    values = marginal_values({name: problem.objective_of(aim) for name, aim in problem.by_family.items()}, best)
    return {
        domain: {family: float(change[i]) for family, change in values.items() if np.isfinite(change[i])}
        for i, domain in enumerate(problem.fitted.runs.domains)
    }


def front_rows(problem: Problem) -> tuple[FrontMix, ...]:
    """The Pareto front between families, where it is asked for."""
    points = problem.question.settings.front
    if not points:
        return ()
    objectives = {name: problem.objective_of(aim, problem.pull) for name, aim in problem.by_family.items()}
    front = pareto_front(objectives, problem.limits, points, problem.tried, problem.question.seed)
    return tuple(FrontMix(point.target, named(problem, point.mix), point.values) for point in front)


def capped_domains(problem: Problem, best: np.ndarray) -> dict[str, float]:
    """Domain → its cap, for the domains whose weight lies on it."""
    high = problem.limits.room.high
    capped = (high < 1) & (best > high - ON_BOUND)
    return {name: float(high[i]) for i, name in enumerate(problem.fitted.runs.domains) if capped[i]}


def epochs_of(problem: Problem, best: np.ndarray) -> dict[str, float]:
    """Domain → how often its tokens repeat at the budget; empty where the available tokens are unknown."""
    available, budget = problem.question.holdings.available, problem.question.budget
    if available is None or budget is None:
        return {}
    return {name: weight * budget / available[name] for name, weight in named(problem, best).items()}


def law_rows(problem: Problem) -> dict[str, LawRow]:
    """Task → how well its law predicts."""
    laws, noise = problem.fitted.laws, problem.noise.at_one_seed
    return {
        task: LawRow(
            name=laws[task].kind.name,
            error=laws[task].error,
            rank_correlation=laws[task].rank_correlation,
            noise=noise[task],
            spread=spread,
            precision=_most_precise(laws[task]),
            errors=laws[task].errors,
            rank_correlations=laws[task].rank_correlations,
            behind=laws[task].behind,
            behind_errors=laws[task].behind_errors,
        )
        for task, spread in spreads(problem.fitted.runs).items()
    }


def _most_precise(law: TaskLaw) -> float:
    return 1.0 if law.precision is None else float(law.precision.max())


def named(problem: Problem, mix: np.ndarray) -> dict[str, float]:
    """Domain → weight."""
    return {name: float(weight) for name, weight in zip(problem.fitted.runs.domains, mix, strict=True)}
