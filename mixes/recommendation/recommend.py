"""The recommendation: the best mix, what it is predicted to gain over natural, and how sure that is.

Laws are fitted to the runs, and the optimum is found under the limits. Both are repeated in imagined worlds
(mixes/certainty/worlds.py), whose truths are known: the errors made there become the intervals here. A score is noisy
by itself, so a gain below the noise of a difference between two proxies is no finding.

Laws and worlds depend on the runs alone. A caller who asks more than once passes them in.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from mixes.certainty.at_size import fit_swarm_at
from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.intervals import Gain, weight_intervals
from mixes.certainty.verdict import verdict_of, verdict_words
from mixes.hashes import short_hash
from mixes.recommendation.beside import beside_rows
from mixes.recommendation.cautions import cautions_of
from mixes.recommendation.optima import Optima, WorldsOf, imagined, optima_of
from mixes.recommendation.predictions import (
    capped_domains,
    epochs_of,
    forgotten_row,
    front_rows,
    gains_of,
    law_rows,
    marginal_rows,
    named,
    predicted_row,
)
from mixes.recommendation.problem import problem_of, reference_name
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.runs import to_array
from mixes.target import OVERALL

GAIN_WORLDS = 100  # behind the interval of one mix's gain, which needs no optima
WORDING = ("summary", "coverage", "beside")  # fields that an id does not depend on: words, and comparisons


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
    optima = _optima(question, fitted, worlds_of)
    return with_beside(recommendation_of(optima), optima)


def recommend_alone(question: Question) -> Recommendation:
    """The same without what stands beside it, for whoever shows the mix alone.

    Raises:
        MixError: as `recommend`.
    """
    return recommendation_of(_optima(question, None, None))


def _optima(question: Question, fitted: FittedSwarm | None, worlds_of: WorldsOf | None) -> Optima:
    if fitted is None:
        fitted = fit_swarm_at(question.runs, question.settings.law, question.seed, question.seeds, at=question.at)
    if worlds_of is None:
        worlds_of = partial(imagined, fitted, seed=question.seed)
    return optima_of(question, fitted, worlds_of)


def with_beside(recommendation: Recommendation, optima: Optima) -> Recommendation:
    """The recommendation that `recommendation_of` made of these optima, with the mixes that it is compared with."""
    return replace(recommendation, beside=beside_rows(optima, recommendation.predicted[OVERALL]))


def recommendation_of(optima: Optima) -> Recommendation:
    """The recommendation that a best mix and its imagined worlds amount to, without what stands beside it."""
    return _with_id(_described(optima))


def _described(optima: Optima) -> Recommendation:
    """The recommendation of a best mix, without its id."""
    problem, best = optima.problem, optima.best.mix
    question, runs, room = problem.question, problem.fitted.runs, problem.limits.room
    coverage, own_gains = question.settings.coverage, optima.worlds.own_gains(optima.of_refits, problem.reference)
    intervals = weight_intervals(best, (optima.of_truths, optima.of_refits), room.low, room.high, coverage)
    gains = gains_of(problem, own_gains, best)
    predicted = {name: predicted_row(problem, name, best, gains[name]) for name in problem.aims}
    verdicts = {name: verdict_of(gains[name], predicted[name].noise) for name in (OVERALL, *problem.by_family)}
    cautions = tuple(cautions_of(problem, best, intervals))
    extrapolates = any(caution.kind == "outside_swarm" for caution in cautions)
    excluded = predicted[OVERALL].natural - predicted[OVERALL].uniform > predicted[OVERALL].noise
    return Recommendation(
        id="",
        mix=named(problem, best),
        natural=named(problem, problem.reference),
        reference=reference_name(problem),
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
        regret=optima.worlds.regret(problem.target, optima.of_truths, optima.of_refits),
        noise_from=problem.noise.source,
        front=front_rows(problem),
        budget=question.budget,
        max_epochs=question.settings.max_epochs,
        evidence=dict(question.evidence),
        coverage=coverage,
        at=str(question.at) if question.at else None,
    )


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


def _with_id(recommendation: Recommendation) -> Recommendation:
    content = recommendation.to_json()
    for name in WORDING:
        del content[name]
    if recommendation.at is None:
        del content["at"]  # ids of answers at the swarm's own size stay what they were
    content["cautions"] = [(caution.kind, caution.names) for caution in recommendation.cautions]
    digest = short_hash(json.dumps(content, sort_keys=True))
    return replace(recommendation, id=f"recommendation-{digest}")
