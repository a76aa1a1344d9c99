"""Flow 3: scores to a recommended mix; and the flow that runs all three."""

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

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
from pipeline.suite import suite_families
from pipeline.swarm import Evidence, read_runs


@stage_task(name="fit-and-optimise")
def fit_and_optimise(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> Recommendation:
    """Laws, optimum, intervals."""
    settings, pool = experiment.recommend, Pool(evidence.pool)
    available = pool.available({name: source.full_tokens for name, source in experiment.sources.items()})
    budget = parse_tokens(settings.budget) if settings.budget else sum(available.values())
    with stage_progress("recommend"):
        return recommend(
            runs=read_runs(evidence, candidates, experiment.records),
            families=suite_families(evidence.suite),
            natural=pool.natural,
            available=available,
            caps=epoch_caps(available, budget, settings.max_epochs),
            budget=budget,
            settings=settings,
            seed=experiment.seed,
            evidence={"experiment": experiment.id, "pool": evidence.pool.name, "suite": evidence.suite.name},
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
