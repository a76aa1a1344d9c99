"""Flow 3: scores to a recommended mix; and the flow that runs all three."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from flows.artifacts import publish_recommendation
from flows.catalog.record import record_recommendation
from flows.experiment import Experiment
from flows.orchestration import flow, run_task
from flows.settings.buckets import recommended_buckets
from flows.settings.question import question_address, question_of
from flows.settings.repetition import note_other_budget
from flows.settings.reuse import answer_folded, content_evidence, reuse_plan
from flows.show.progress import note, stage_progress
from flows.swarm import pool_to_train_on, swarm_flow
from mixes.hashes import short_hash
from mixes.recommendation.question import Question
from mixes.recommendation.result import Recommendation
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.plan import ReusePlan
from mixes.swarm import Candidate
from pipeline.pool.content_hash import domain_contents
from pipeline.pool.pool import Pool
from pipeline.store.stage import Stage
from pipeline.store.writing import write_aside
from pipeline.train.checkpoint_scores import checkpoint_id
from pipeline.train.setup import Evidence

RECOMMENDATION = TypeAdapter(Recommendation)


def fit_and_optimise(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> Recommendation:
    """Laws, optimum, intervals."""
    runs = evidence.runs_hash(candidates)
    hashes = {"pool": evidence.pool.name, "suite": evidence.suite.name, "runs": runs}
    if checkpoint := checkpoint_id(evidence):
        hashes["checkpoint"] = checkpoint
    plan = reuse_plan(experiment, experiment.corpus.stages, evidence.pool)
    settings = {**question_address(experiment), "reused": dict(plan.frozen) if plan else None}
    known = known_evidence(experiment, evidence.pool, hashes)
    earlier = [candidate for candidate in candidates if candidate.run]
    if earlier:
        known["earlier runs"] = evidence.runs_hash(earlier)

    def answer() -> Recommendation:
        return _recommend(experiment, question_of(experiment, evidence, candidates, known), plan)

    return kept_answer(experiment, settings, tuple(hashes.values()), answer)


def known_evidence(experiment: Experiment, pool: Path, hashes: Mapping[str, str]) -> dict[str, str]:
    """What a recommendation says that it rests on: `hashes`, what the pool's domains held, the upsampling curve."""
    known = dict(hashes) | content_evidence(domain_contents(experiment.corpus.stages, pool))
    if experiment.upsampling:  # the same mix by another curve is another training set
        known["upsampling"] = short_hash(experiment.upsampling.model_dump_json())
    return known


def kept_answer(
    experiment: Experiment, settings: dict[str, Any], inputs: tuple[str, ...], answer: Callable[[], Recommendation]
) -> Recommendation:
    """The recommendation at the address of what was asked; `answer` makes it where it is not there yet."""

    def work(folder: Path) -> None:
        write_aside(folder / "recommendation.json", RECOMMENDATION.dump_json(answer()))

    folder = experiment.corpus.stages.run(Stage("recommend", 15, settings, inputs), work)
    return RECOMMENDATION.validate_json((folder / "recommendation.json").read_bytes())


def _recommend(experiment: Experiment, question: Question, plan: ReusePlan | None) -> Recommendation:
    from pipeline.stages.laws import recommend_once_fitted  # with every law and solver

    def answer(asked: Question) -> Recommendation:
        return recommend_once_fitted(asked, experiment.corpus.stages, partial(note, "laws"), stage_progress)

    return answer_folded(question, plan, answer)


@flow("recommend")
def recommend_flow(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> Recommendation:
    """Scores to a recommended mix, recorded and shown in Prefect."""
    earlier = sum(candidate.run is not None for candidate in candidates)
    if earlier:
        note("recommend", f"by {len(candidates)} runs, of which {earlier} earlier ones")
    recommendation = run_task("fit-and-optimise", lambda: fit_and_optimise(experiment, evidence, candidates))
    publish_recommendation(recommendation)
    buckets = recommended_buckets(experiment, Pool(evidence.pool), recommendation)
    swarm = evidence.runs_hash(candidates)
    record_recommendation(experiment, evidence.pool.name, swarm, recommendation, buckets)
    return recommendation


@flow("run")
def run_flow(experiment: Experiment, settings: RecommendSettings | None = None) -> Recommendation:
    """The whole process; finished work is skipped.

    settings: what to recommend for, in place of the experiment's own, which later rounds of the swarm go by.
    """
    asked = experiment.model_copy(update={"recommend": settings}) if settings else experiment
    evidence, candidates = swarm_flow(experiment, pool_to_train_on(experiment, asked.recommend), asked.recommend)
    note_other_budget(experiment, asked)
    return recommend_flow(asked, evidence, candidates)


@flow("prepare-and-swarm")
def evidence_flow(experiment: Experiment) -> tuple[Path, tuple[Evidence, list[Candidate]]]:
    """The first two flows."""
    pool_folder = pool_to_train_on(experiment)
    return pool_folder, swarm_flow(experiment, pool_folder)
