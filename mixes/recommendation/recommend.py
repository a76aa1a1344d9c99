"""The recommendation: the best mix, what it is predicted to gain over natural, and how sure that is.

Laws are fitted to the runs, and the optimum is found under the limits. Both are repeated in imagined worlds
(mixes/certainty/worlds.py), whose truths are known: the errors made there become the intervals here. A score is noisy
by itself, so a gain below the noise of a difference between two proxies is no finding.

Laws and worlds depend on the runs alone. A caller who asks more than once passes them in.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mixes.certainty.at_size import fit_swarm_at
from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.intervals import Gain, weight_intervals
from mixes.certainty.verdict import verdict_of, verdict_words
from mixes.certainty.worlds import Worlds, imagine_worlds
from mixes.hashes import short_hash
from mixes.laws.fit import LARGE
from mixes.optimum.exact import Optimum
from mixes.recommendation.cautions import cautions_of
from mixes.recommendation.predictions import (
    capped_domains,
    epochs_of,
    forgotten_row,
    front_rows,
    gain_on,
    gains_of,
    law_rows,
    marginal_rows,
    named,
    predicted_row,
)
from mixes.recommendation.problem import Problem, problem_of
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.runs import to_array
from mixes.target import OVERALL

SEARCHED_WORLDS = 40  # where laws are not convex: each world's optimum is a search that takes seconds
LARGE_WORLDS = 40  # in large swarms, where each optimum takes seconds
GAIN_WORLDS = 100  # behind the interval of one mix's gain, which needs no optima
WORDING = ("summary", "coverage")  # fields that repeat others in words: an id does not depend on them

WorldsOf = Callable[[int], Worlds]  # their number → that many imagined worlds of the fitted swarm


@dataclass(frozen=True)
class Optima:
    """The answer to a problem, and the answers to the same problem in imagined worlds."""

    problem: Problem
    worlds: Worlds
    best: Optimum
    of_truths: np.ndarray  # (B, n_domains)
    of_refits: np.ndarray  # (B, n_domains)


def recommend(
    question: Question, fitted: FittedSwarm | None = None, worlds_of: WorldsOf | None = None
) -> Recommendation:
    """The best mix for a question, with intervals and a verdict.

    Args:
        question: what is asked, and of which runs.
        fitted: `fit_swarm` of the question's runs, law, seed and seeds; None fits them here, which takes seconds to
            minutes.
        worlds_of: gives imagined worlds of `fitted`; None imagines them here, which takes as long.

    Returns:
        The recommendation. With `fitted` and `worlds_of` at hand it takes about two seconds for 24 domains, 50 tasks
        and 200 worlds.

    Raises:
        MixError: an unknown target or law, different domains or tasks, too few runs, limits that contradict each other.

    Example:
        fitted = fit_swarm(runs, seeds=seeds)
        worlds = imagined(fitted, 200, seed=0)
        code = recommend(Question(runs, families, settings=of_code, seeds=seeds), fitted, lambda count: worlds)
    """
    settings = question.settings
    if fitted is None:
        fitted = fit_swarm_at(question.runs, settings.law, question.seed, question.seeds, at=question.at)
    if worlds_of is None:
        worlds_of = partial(imagined, fitted, seed=question.seed)
    optima = optima_of(question, fitted, worlds_of)
    return _with_id(_described(optima))


def _described(optima: Optima) -> Recommendation:
    """The recommendation of a best mix, without its id."""
    problem, best = optima.problem, optima.best.mix
    question, runs, room, noise = problem.question, problem.fitted.runs, problem.limits.room, problem.noise
    coverage, own_gains = question.settings.coverage, optima.worlds.own_gains(optima.of_refits, problem.reference)
    intervals = weight_intervals(best, (optima.of_truths, optima.of_refits), room.low, room.high, coverage)
    gains = gains_of(problem, own_gains, best)
    verdicts = {name: verdict_of(gains[name], noise.difference[name]) for name in (OVERALL, *problem.by_family)}
    predicted = {name: predicted_row(problem, name, best, gains[name]) for name in problem.aims}
    cautions = tuple(cautions_of(problem, best, intervals))
    extrapolates = any(caution.kind == "outside_swarm" for caution in cautions)
    excluded = predicted[OVERALL].natural - predicted[OVERALL].uniform > noise.difference[OVERALL]
    return Recommendation(
        id="",
        mix=named(problem, best),
        natural=named(problem, problem.reference),
        reference="centre" if question.holdings.natural is None else "natural",
        intervals={name: (float(low), float(high)) for name, (low, high) in zip(runs.domains, intervals, strict=True)},
        epochs=epochs_of(problem, best),
        caps=capped_domains(problem, best),
        binding=optima.best.prices,
        target={task: weight for task, weight in problem.target.items() if weight},
        families={name: {t: w for t, w in aim.items() if w} for name, aim in problem.by_family.items()},
        standardised=question.settings.standardise,
        predicted=predicted,
        forgotten={name: forgotten_row(problem, name, predicted[name]) for name in problem.own},
        verdict=verdicts,
        summary=verdict_words(gains, verdicts, problem.called, extrapolates, excluded),
        cautions=cautions,
        marginal=marginal_rows(problem, best),
        law=law_rows(problem),
        gap=optima.best.gap,
        noise_from=noise.source,
        front=front_rows(problem),
        budget=question.budget,
        max_epochs=question.settings.max_epochs,
        evidence=dict(question.evidence),
        coverage=coverage,
        at=str(question.at) if question.at else None,
    )


def imagined(
    fitted: FittedSwarm, count: int, seed: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> Worlds:
    """`count` imagined worlds of a fitted swarm: seconds to minutes; any question can then be put to them."""
    weights = next(iter(fitted.local_fits.values())).weights  # with each run's size, where there are several
    return imagine_worlds(fitted.local_fits, weights, count, seed, progress)


def gains_of_mix(question: Question, mix: Mapping[str, float], count: int = GAIN_WORLDS) -> dict[str, Gain]:
    """Aim → what a given mix (domain → weight) gains over the reference, for a question at a size.

    Raises:
        MixError: as `recommend`.
    """
    fitted = fit_swarm_at(question.runs, question.settings.law, question.seed, question.seeds, at=question.at)
    problem = problem_of(question, fitted)
    weights = to_array(mix, fitted.runs.domains, "mix")
    worlds = imagined(fitted, count, question.seed)
    return gains_of(problem, worlds.own_gains(weights, problem.reference), weights)


def optima_of(question: Question, fitted: FittedSwarm, worlds_of: WorldsOf) -> Optima:
    """The best mix here and in every world, all found in the same way.

    The floors of `keep` against a checkpoint are compared with predictions, which include the optimism. The optimism is
    known only after the worlds have been solved. So they are solved twice: without it, and then under floors that are
    lowered by it. Weights and gains are judged by the second solution, whose optimism differs from the first one's by
    less than a thousandth.
    """
    problem = problem_of(question, fitted)
    worlds = worlds_of(world_count(problem))
    optima = _solved(problem, worlds)
    if not (problem.own and question.settings.limits.keep):
        return optima
    own = worlds.own_gains(optima.of_refits, problem.reference)
    optimism = {
        name: max(0.0, gain_on(problem, problem.aims[name], own, optima.best.mix).optimism)
        for name in question.settings.limits.keep
    }
    return _solved(problem_of(question, fitted, optimism), worlds)


def _solved(problem: Problem, worlds: Worlds) -> Optima:
    best = problem.best(worlds)
    return Optima(problem, worlds, best, *problem.optima(worlds, best.mix))


def world_count(problem: Problem) -> int:
    """How many worlds a problem is judged by: as many as are asked for, fewer where each takes long."""
    replicates = problem.question.settings.replicates
    if not problem.objective.convex:
        return min(SEARCHED_WORLDS, replicates)
    return min(LARGE_WORLDS, replicates) if problem.tried.size > LARGE else replicates


def _with_id(recommendation: Recommendation) -> Recommendation:
    content = recommendation.to_json()
    for name in WORDING:
        del content[name]
    if recommendation.at is None:
        del content["at"]  # ids of answers at the swarm's own size stay what they were
    content["cautions"] = [(caution.kind, caution.names) for caution in recommendation.cautions]
    digest = short_hash(json.dumps(content, sort_keys=True))
    return replace(recommendation, id=f"recommendation-{digest}")
