"""Flow 3: scores to a recommended mix; and the flow that runs all three."""

import hashlib
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import TypeAdapter

from flows.catalog import rebuild_catalog
from flows.experiment import Experiment
from flows.prepare import prepare_flow
from flows.progress import stage_progress
from flows.record import record_recommendation
from flows.reuse import content_evidence, reuse_plan, unfold_recommendation
from flows.stage_task import stage_task
from flows.swarm import swarm_flow
from flows.tables import recommendation_markdown
from mixes.budget import budget_tokens, epoch_caps
from mixes.recommend import Holdings, recommend
from mixes.recommendation import Recommendation
from mixes.reuse.plan import ReusePlan, fold_amounts, fold_caps, fold_runs
from mixes.swarm import Candidate
from mixes.upsampling import bucket_rows, weight_caps
from pipeline.contents import bucket_tokens, domain_contents
from pipeline.pool import Pool
from pipeline.stage import Stage, run_stage, write_aside
from pipeline.suite import suite_families
from pipeline.swarm import Evidence, read_runs

RECOMMENDATION = TypeAdapter(Recommendation)


@stage_task(name="fit-and-optimise")
def fit_and_optimise(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> Recommendation:
    """Laws, optimum, intervals."""
    runs = hashlib.sha256("".join(evidence.run_id(candidate) for candidate in candidates).encode()).hexdigest()[:12]
    hashes = {"pool": evidence.pool.name, "suite": evidence.suite.name, "runs": runs}
    full_tokens = {name: source.full_tokens for name, source in sorted(experiment.sources.items())}
    plan = reuse_plan(experiment, evidence.pool)
    settings = {
        **experiment.recommend.model_dump(), "seed": experiment.seed, "full_tokens": full_tokens,
        "reused": dict(plan.frozen) if plan else None,
        "upsampling": experiment.upsampling.model_dump() if experiment.upsampling else None,
    }  # fmt: skip
    stage = Stage("recommend", 8, settings, tuple(hashes.values()))
    known = hashes | content_evidence(domain_contents(experiment.corpus.stages, evidence.pool))

    def work(folder: Path) -> None:
        found = _recommend(experiment, evidence, candidates, plan, known)
        write_aside(folder / "recommendation.json", RECOMMENDATION.dump_json(found))

    with stage_progress("recommend"):
        folder = run_stage(experiment.corpus.stages, stage, work)
    return RECOMMENDATION.validate_json((folder / "recommendation.json").read_bytes())


def _recommend(
    experiment: Experiment,
    evidence: Evidence,
    candidates: list[Candidate],
    plan: ReusePlan | None,
    known: dict[str, str],
) -> Recommendation:
    settings, pool = experiment.recommend, Pool(evidence.pool)
    available = _available(experiment, pool)
    budget = budget_tokens(settings.budget, available)
    caps = dict.fromkeys(available, 1.0)
    if experiment.upsampling:
        caps = weight_caps(bucket_tokens(pool, available), budget, experiment.upsampling)
    runs, holdings = (
        read_runs(evidence, candidates, experiment.records),
        Holdings(pool.natural, available, budget, caps),
    )
    if plan:
        of_epochs = epoch_caps(available, budget, settings.max_epochs)
        caps = {name: min(cap, of_epochs[name]) for name, cap in caps.items()}
        runs, holdings = (
            fold_runs(runs, plan),
            Holdings(fold_amounts(pool.natural, plan), fold_amounts(available, plan), budget, fold_caps(caps, plan)),
        )
    seeds = {evidence.run_id(candidate): candidate.seed for candidate in candidates}
    families = suite_families(evidence.suite)
    found = recommend(runs, families, holdings, settings, experiment.seed, known, seeds)
    return unfold_recommendation(found, plan, available, caps) if plan else found


def _available(experiment: Experiment, pool: Pool) -> dict[str, float]:
    return pool.available({name: source.full_tokens for name, source in experiment.sources.items()})


def _buckets(experiment: Experiment, pool: Pool, found: Recommendation) -> list[dict]:
    """How often each quality bucket repeats; nothing where the experiment does not ask."""
    if not experiment.upsampling:
        return []
    tokens = bucket_tokens(pool, _available(experiment, pool))
    return bucket_rows(found.mix, found.budget or 0.0, tokens, experiment.upsampling)


@flow(name="recommend", log_prints=False, validate_parameters=False)
def recommend_flow(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> Recommendation:
    """Scores to a recommended mix, recorded and shown in Prefect."""
    found = fit_and_optimise(experiment, evidence, candidates)
    create_markdown_artifact(recommendation_markdown(found), key="recommended-mix", description=found.id)
    buckets = _buckets(experiment, Pool(evidence.pool), found)
    rebuild_catalog(experiment, record_recommendation(experiment, found, buckets))
    return found


@flow(name="run", log_prints=False, validate_parameters=False)
def run_flow(experiment: Experiment) -> Recommendation:
    """The whole process; finished work is skipped."""
    evidence, candidates = swarm_flow(experiment, prepare_flow(experiment))
    return recommend_flow(experiment, evidence, candidates)


@flow(name="prepare-and-swarm", log_prints=False, validate_parameters=False)
def evidence_flow(experiment: Experiment) -> tuple[Path, tuple[Evidence, list[Candidate]]]:
    """The first two flows."""
    pool = prepare_flow(experiment)
    return pool, swarm_flow(experiment, pool)
