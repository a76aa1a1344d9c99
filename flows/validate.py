"""Trains natural, uniform and the recommendation anew, larger and with several seeds, and reports what came true."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flows.artifacts import publish_validation
from flows.at_size import gains_at_size
from flows.catalog.record import record_validation
from flows.experiment import Experiment
from flows.orchestration import flow, run_task
from flows.recommend import recommend_flow
from flows.settings.repetition import kept_sequences, note_other_budget
from flows.show.progress import note, stage_progress
from flows.swarm import pool_to_train_on, swarm_flow
from mixes.certainty.intervals import Gain
from mixes.hashes import short_hash
from mixes.proxy.settings import ProxySettings
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.recommendation.validation import Trial, Validation, budgets, compare, most_repeated, plan_trials
from mixes.swarm import Candidate
from pipeline.train.records import diverged_runs, read_runs
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm


def _train_anew(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> None:
    """Train every proxy of one budget that has no record yet."""
    with stage_progress("validate") as progress:
        train_swarm(evidence, candidates, experiment.records, experiment.folder / "logs", experiment.executor, progress)


@flow("validate")
def validate_flow(
    experiment: Experiment, asked: RecommendSettings, seeds: int, size: str | None, multiple: float
) -> Validation:
    """The whole process, then its recommendation put to the test; finished work is skipped.

    asked: what to recommend for, as in `run_flow`.
    """
    settings = budgets(experiment.proxy, size, multiple)  # before anything that takes long
    swarm, swarm_candidates = swarm_flow(experiment, pool_to_train_on(experiment, asked), asked)
    varied = experiment.model_copy(update={"recommend": asked})
    note_other_budget(experiment, varied)
    recommendation = recommend_flow(varied, swarm, swarm_candidates)
    evidence = trial_evidence(experiment, swarm, settings)
    trials = plan_trials(recommendation.natural, recommendation.mix, seeds)
    for part, candidates in trials.items():
        run_task("train-anew", partial(_train_anew, experiment, evidence[part], candidates))
    own = frozenset(evidence[part].run_id(candidate) for part, some in trials.items() for candidate in some)
    at_size = gains_at_size(varied, swarm, swarm_candidates, settings[1], recommendation.mix, own)
    done = _judge(experiment, recommendation, swarm, evidence, trials, at_size)
    record_validation(experiment, swarm.pool.name, swarm.runs_hash(swarm_candidates), done)
    publish_validation(done)
    return done


def trial_evidence(
    experiment: Experiment, swarm: Evidence, settings: Mapping[int, ProxySettings]
) -> dict[int, Evidence]:
    """Part → what its proxies share: the swarm's pool and suite, with settings and kept sequences of their own.

    All parts keep what the whole budget's proxies keep. With fewer tokens they repeat it less often, as a shorter
    training run would.
    """
    init_from = {"init_from": swarm.proxy.init_from}
    started = {part: proxy.model_copy(update=init_from) for part, proxy in settings.items()}
    kept = kept_sequences(experiment, swarm.pool, started[1])
    return {part: replace(swarm, proxy=proxy, kept=kept) for part, proxy in started.items()}


def _judge(
    experiment: Experiment,
    recommendation: Recommendation,
    swarm: Evidence,
    evidence: Mapping[int, Evidence],
    trials: Mapping[int, list[Candidate]],
    at_size: Mapping[str, Gain] | None,
) -> Validation:
    """The trials' records, compared. A seed of which one proxy diverged is left out for every mix, and reported."""
    runs = {
        Trial(candidate.mix, part, candidate.seed): (evidence[part], candidate)
        for part, candidates in trials.items()
        for candidate in candidates
    }
    odd = {
        candidate.seed: f"{run} on mix {candidate.mix} diverged twice"
        for part, candidates in trials.items()
        for run, candidate in diverged_runs(evidence[part], candidates, experiment.records).items()
    }
    for seed, why in odd.items():
        note("validate", f"seed {seed} is left out: {why}")
    kept = {trial: run for trial, run in runs.items() if trial.seed not in odd}
    scores = {
        trial: read_runs(of, [candidate], experiment.records).runs[0].scores for trial, (of, candidate) in kept.items()
    }
    compared = compare(recommendation, scores, at_size)
    ids = [recommendation.id, *sorted(of.run_id(candidate) for of, candidate in kept.values())]
    whole = evidence[1].proxy
    return Validation(
        id="validation-" + short_hash("".join(ids)),
        recommendation=recommendation.id,
        size=whole.size,
        tokens=whole.tokens,
        seeds=tuple(sorted({trial.seed for trial in kept})),
        swarm_size=swarm.proxy.size,
        swarm_tokens=swarm.proxy.tokens,
        repeats=most_repeated(trials[1], evidence[1].readable, whole.tokens),
        compared=compared,
    )
