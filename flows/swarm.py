"""Flow 2: pool to scores."""

import sys
from pathlib import Path

from prefect import flow

from flows.catalog import rebuild_catalog
from flows.experiment import Experiment
from flows.progress import stage_progress
from flows.record import record_swarm
from flows.reuse import describe_plan, reuse_plan
from flows.stage_task import stage_task
from mixes.reuse.plan import draw_reusing_swarm
from mixes.swarm import Candidate, draw_swarm
from pipeline.pool import Pool
from pipeline.stage import Stage, hash_files, run_stage
from pipeline.suite import encode_suite
from pipeline.swarm import Evidence, train_swarm


@stage_task(name="suite")
def make_suite(experiment: Experiment, pool: Path) -> Path:
    """The suite, tokenised."""
    file = experiment.corpus.file(experiment.suite.path, "suite.path")
    stages, context = experiment.corpus.stages, experiment.proxy.context
    settings = {"items": experiment.suite.items, "context": context}
    stage = Stage("suite", 1, settings, (hash_files(stages, [file]), hash_files(stages, [pool / "tokenizer.json"])))
    made = Pool(pool)
    return run_stage(
        stages,
        stage,
        lambda folder: encode_suite(file, experiment.suite, made.tokenizer, made.end_token, context, folder),
    )


@stage_task(name="draw")
def draw(experiment: Experiment, pool: Path) -> list[Candidate]:
    """The candidate mixes."""
    tokens = {name: domain.tokens for name, domain in Pool(pool).domains.items()}
    plan = reuse_plan(experiment, pool)
    if plan:
        print("\n".join(f"reuse        {line}" for line in describe_plan(plan)), file=sys.stderr, flush=True)
        return draw_reusing_swarm(tokens, experiment.proxy.tokens, experiment.swarm, experiment.seed, plan)
    return draw_swarm(tokens, experiment.proxy.tokens, experiment.swarm, experiment.seed)


@stage_task(name="train")
def train(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> None:
    """Every proxy that has no record yet."""
    with stage_progress("train") as progress:
        logs = experiment.folder / "logs"
        train_swarm(evidence, candidates, experiment.records, logs, experiment.executor, progress)


@flow(name="swarm", log_prints=False, validate_parameters=False)
def swarm_flow(experiment: Experiment, pool: Path) -> tuple[Evidence, list[Candidate]]:
    """Pool to scores; returns what the proxies share, and the candidates."""
    suite = make_suite(experiment, pool)
    candidates = draw(experiment, pool)
    evidence = Evidence(pool, suite, experiment.proxy)
    train(experiment, evidence, candidates)
    rebuild_catalog(experiment, record_swarm(experiment, evidence, candidates))
    return evidence, candidates
