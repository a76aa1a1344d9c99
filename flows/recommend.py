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
from flows.stage_task import stage_task
from flows.swarm import swarm_flow
from flows.tables import recommendation_markdown
from mixes.budget import epoch_caps, parse_tokens
from mixes.recommend import Recommendation, recommend
from mixes.swarm import Candidate
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
    settings = {**experiment.recommend.model_dump(), "seed": experiment.seed, "full_tokens": full_tokens}
    stage = Stage("recommend", 4, settings, tuple(hashes.values()))

    def work(folder: Path) -> None:
        found = _recommend(experiment, evidence, candidates, Pool(evidence.pool).available(full_tokens), hashes)
        write_aside(folder / "recommendation.json", RECOMMENDATION.dump_json(found))

    with stage_progress("recommend"):
        folder = run_stage(experiment.corpus.stages, stage, work)
    return RECOMMENDATION.validate_json((folder / "recommendation.json").read_bytes())


def _recommend(
    experiment: Experiment,
    evidence: Evidence,
    candidates: list[Candidate],
    available: dict[str, float],
    hashes: dict[str, str],
) -> Recommendation:
    settings = experiment.recommend
    budget = parse_tokens(settings.budget) if settings.budget else sum(available.values())
    return recommend(
        runs=read_runs(evidence, candidates, experiment.records),
        families=suite_families(evidence.suite),
        natural=Pool(evidence.pool).natural,
        available=available,
        caps=epoch_caps(available, budget, settings.max_epochs),
        budget=budget,
        settings=settings,
        seed=experiment.seed,
        evidence=hashes,
    )


@flow(name="recommend", log_prints=False, validate_parameters=False)
def recommend_flow(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> Recommendation:
    """Scores to a recommended mix, recorded and shown in Prefect."""
    found = fit_and_optimise(experiment, evidence, candidates)
    create_markdown_artifact(recommendation_markdown(found), key="recommended-mix", description=found.id)
    rebuild_catalog(experiment, record_recommendation(experiment, found))
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
