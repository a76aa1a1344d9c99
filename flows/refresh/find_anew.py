"""The mix found anew over a pool that has changed, and whether it is worth leaving the standing one for."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from glob import escape

from flows.errors import INPUT_ERRORS
from flows.experiment import Experiment
from flows.recommend import recommend_flow
from flows.refresh.judge import judged
from flows.refresh.seen import seen_tokens
from flows.refresh.standing import Standing
from flows.settings.check import check_on_pool
from flows.settings.question import question_of
from flows.settings.reuse import fold_question, reuse_plan
from flows.settings.reuse_on_pool import domains_to_open, other_proportions
from flows.show.progress import note, stage_progress
from flows.swarm import draw_flow, swarm_flow
from mixes.budget import budget_tokens
from mixes.optimum.remaining import remaining_mix
from mixes.recommendation.refreshed import Refreshed
from mixes.recommendation.result import Recommendation
from mixes.reuse.caps import opened
from mixes.reuse.identity import compare_domains
from mixes.reuse.plan import KEPT, ReusePlan, fold, plan_reuse
from mixes.reuse.settings import ReuseSettings
from mixes.swarm import SwarmSettings
from mixes.tables.keys import listed
from pipeline.pool.pool import Pool


def found_anew(
    experiment: Experiment, standing: Standing, pool: Pool, now: Mapping[str, str], kept: Refreshed, far: str
) -> Refreshed:
    """Train what is missing, recommend, compare. kept: what is known already; far: the moved domains, in words."""
    from pipeline.stages.laws import fitted_once  # with every law and solver

    origins = compare_domains(standing.contents, now)
    asked = _keeping_runs(experiment, pool) or _reusing(experiment, standing, pool, now)
    check_on_pool(asked, asked.recommend, pool.folder)
    records_before = {file.stem for file in (experiment.records / "runs").glob("*.parquet")}
    evidence, candidates = swarm_flow(asked, pool.folder)
    recommendation = recommend_flow(asked, evidence, candidates)

    tokens = {name: float(domain.tokens) for name, domain in pool.domains.items()}
    mix_before = standing.mix_today(origins, tokens)
    question, plan = question_of(asked, evidence, candidates), reuse_plan(asked, asked.corpus.stages, pool.folder)
    folded, other = (fold_question(question, plan), fold(mix_before, plan)) if plan else (question, mix_before)
    fitted, worlds = fitted_once(folded, asked.corpus.stages, partial(note, "laws"), stage_progress)
    trained = sum(evidence.run_id(one) not in records_before for one in candidates)
    told = replace(kept, proxies=trained, mix_before=mix_before, mix=recommendation.mix)
    told = judged(folded, other, fitted, worlds, recommendation, told, far)
    return _for_the_rest(told, experiment, recommendation, tokens) if told.verdict == "change" else told


def _keeping_runs(experiment: Experiment, pool: Pool) -> Experiment | None:
    """The experiment with a small swarm beside its own earlier runs; None where they cannot be kept, or are not to
    be."""
    if experiment.refresh.reuse != "runs":
        return None
    reuse = ReuseSettings(runs=(str(experiment.folder),))
    try:
        asked = experiment.model_copy(update={"reuse": reuse, "swarm": _small(experiment)})
        draw_flow(asked, pool.folder)
    except INPUT_ERRORS as error:
        note("refresh", f"earlier runs cannot be kept ({error}): proportions of unchanged domains are")
        return None
    return asked


def _small(experiment: Experiment) -> SwarmSettings:
    """Settings of a swarm in one round, whose mixes are counted by what is new."""
    return experiment.swarm.model_copy(update={"rounds": (), "mixes": None, "stop": None})


def _reusing(experiment: Experiment, standing: Standing, pool: Pool, now: Mapping[str, str]) -> Experiment:
    """The experiment with a small swarm over what changed, and over what cannot keep its proportion within the limits;
    as it is where nothing that has a weight is left to keep, or nothing is new."""
    plan = _plan(standing, now)
    if plan is None or not plan.open:
        return experiment
    bound, tight = domains_to_open(experiment, pool, plan)
    if bound:
        note("refresh", f"bounds name {listed(bound)}: mixed anew")
    if tight:
        note("refresh", f"in the earlier proportions no mix is within the caps of {listed(tight)}: mixed anew")
    left = opened(plan, [*bound, *tight])
    if left is None:
        note("refresh", "no proportion is left to keep: a whole swarm")
        return experiment
    odd = other_proportions(experiment.recommend, pool, left)
    for line in odd.values():
        note("refresh", f"{line}: not compared with")
    compare = {name: mix for name, mix in experiment.recommend.compare.items() if name not in odd}
    recommend = experiment.recommend.model_copy(update={"compare": compare})
    reuse = ReuseSettings(
        recommendation=standing.recommendation.id, partial=tuple(escape(name) for name in [*bound, *tight])
    )
    return experiment.model_copy(update={"reuse": reuse, "swarm": _small(experiment), "recommend": recommend})


def _plan(standing: Standing, now: Mapping[str, str]) -> ReusePlan | None:
    """The plan that keeps the standing proportions; None where nothing that has a weight stayed the same."""
    mix, origins = standing.recommendation.mix, compare_domains(standing.contents, now)
    if not any(mix[origin.earlier[0]] for origin in origins.values() if origin.fate in KEPT):
        return None
    return plan_reuse(mix, standing.contents, now)


def _for_the_rest(
    told: Refreshed, experiment: Experiment, recommendation: Recommendation, tokens: Mapping[str, float]
) -> Refreshed:
    """With the mix for what is left of a training run whose blends say what it has seen."""
    seen = seen_tokens(experiment, told.before)
    if not seen:
        return told
    budget = recommendation.budget or budget_tokens(None, tokens)
    return replace(told, seen=seen, mix_for_the_rest=remaining_mix(recommendation.mix, budget, seen) or {})
