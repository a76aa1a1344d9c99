"""The mix found anew over a pool that has changed, and whether it is worth leaving the standing one for."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flows.errors import INPUT_ERRORS
from flows.experiment import Experiment
from flows.recommend import recommend_flow
from flows.refresh.seen import seen_tokens
from flows.refresh.standing import Standing
from flows.settings.check import check_on_pool
from flows.settings.question import question_of
from flows.settings.reuse import fold_question, reuse_plan
from flows.show.progress import note, stage_progress
from flows.swarm import draw_flow, swarm_flow
from mixes.budget import budget_tokens
from mixes.optimum.remaining import remaining_mix
from mixes.recommendation.refreshed import Advantage, Refreshed
from mixes.recommendation.result import Recommendation
from mixes.recommendation.standing import gains_over
from mixes.reuse.identity import compare_domains
from mixes.reuse.plan import KEPT, fold
from mixes.reuse.settings import ReuseSettings
from mixes.swarm import SwarmSettings
from mixes.target import OVERALL
from pipeline.pool.pool import Pool


def found_anew(
    experiment: Experiment, standing: Standing, pool: Pool, now: Mapping[str, str], kept: Refreshed, far: str
) -> Refreshed:
    """Train what is missing, recommend, compare. kept: what is known already; far: the moved domains, in words."""
    from pipeline.stages.laws import fitted_once  # with every law and solver

    origins = compare_domains(standing.contents, now)
    asked = _keeping_runs(experiment, pool) or _reusing(
        experiment, standing, {name: one.fate for name, one in origins.items()}
    )
    check_on_pool(asked, asked.recommend, pool.folder)
    records_before = {file.stem for file in (experiment.records / "runs").glob("*.parquet")}
    evidence, candidates = swarm_flow(asked, pool.folder)
    recommendation = recommend_flow(asked, evidence, candidates)

    tokens = {name: float(domain.tokens) for name, domain in pool.domains.items()}
    mix_before = standing.mix_today(origins, tokens)
    question, plan = question_of(asked, evidence, candidates), reuse_plan(asked, asked.corpus.stages, pool.folder)
    folded, other = (fold_question(question, plan), fold(mix_before, plan)) if plan else (question, mix_before)
    fitted, worlds = fitted_once(folded, asked.corpus.stages, partial(note, "laws"), stage_progress)
    gain, verdict = gains_over(folded, other, fitted, worlds)[OVERALL]
    noise = recommendation.predicted[OVERALL].noise
    advantage = Advantage(gain.value, gain.low, gain.high, gain.chance, noise)
    changed = verdict == "better"
    told = replace(
        kept,
        verdict="change" if changed else "keep",
        standing=recommendation.id if changed else kept.before,
        reason=_reason(far, advantage, changed, recommendation.standardised),
        proxies=sum(evidence.run_id(one) not in records_before for one in candidates),
        advantage=advantage,
        recommendation=recommendation.id,
        mix_before=mix_before,
        mix=recommendation.mix,
    )
    return _for_the_rest(told, experiment, recommendation, tokens) if changed else told


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


def _reusing(experiment: Experiment, standing: Standing, fates: Mapping[str, str]) -> Experiment:
    """The experiment with a small swarm over what changed; as it is where nothing that has a weight stayed the same."""
    weights = standing.recommendation.mix
    stayed = [name for name, fate in fates.items() if fate in KEPT and weights.get(name, 0) > 0]
    if not stayed or len(stayed) == len(fates):
        return experiment
    reuse = ReuseSettings(recommendation=standing.recommendation.id)
    return experiment.model_copy(update={"reuse": reuse, "swarm": _small(experiment)})


def _reason(far: str, gain: Advantage, changed: bool, standardised: str | None) -> str:
    """In two sentences."""
    unit = f"× {standardised}" if standardised else "bpb"
    sure = f"{gain.value:+.3f} {unit} on the target ({gain.low:+.3f} to {gain.high:+.3f})"
    if changed:
        return f"Moved: {far}. The new mix is predicted to be better than the standing one by {sure}."
    return (
        f"Moved: {far}. The new mix is not measurably better than the standing one: {sure}, and two proxies of equally "
        f"good mixes differ by {gain.noise:.3f}."
    )


def _for_the_rest(
    told: Refreshed, experiment: Experiment, recommendation: Recommendation, tokens: Mapping[str, float]
) -> Refreshed:
    """With the mix for what is left of a training run whose blends say what it has seen."""
    seen = seen_tokens(experiment, told.before)
    if not seen:
        return told
    budget = recommendation.budget or budget_tokens(None, tokens)
    return replace(told, seen=seen, mix_for_the_rest=remaining_mix(recommendation.mix, budget, seen) or {})
