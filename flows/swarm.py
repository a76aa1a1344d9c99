"""Flow 2: pool to scores."""

import sys
from pathlib import Path

from prefect import flow

from flows.catalog import rebuild_catalog
from flows.experiment import Experiment
from flows.export import export_swarm, ratios_of
from flows.prepare import prepare_flow
from flows.progress import stage_progress
from flows.record import record_swarm
from flows.reuse import describe_plan, reuse_plan
from flows.stage_task import stage_task
from mixes.keys import Table
from mixes.reuse.plan import draw_reusing_swarm
from mixes.swarm import Candidate, draw_swarm
from pipeline.pool import Pool
from pipeline.stage import Stage, hash_files, run_stage
from pipeline.suite import describe_counts, encode_suite, suite_counts
from pipeline.swarm import Evidence, check_epochs, diverged_runs, train_swarm


@stage_task(name="suite")
def make_suite(experiment: Experiment, pool: Path) -> Path:
    """The suite, tokenised."""
    file = experiment.corpus.file(experiment.suite.path, "suite.path")
    stages, context = experiment.corpus.stages, experiment.proxy.context
    settings = {"items": experiment.suite.items, "context": context}
    stage = Stage("suite", 1, settings, (hash_files(stages, [file]), hash_files(stages, [pool / "tokenizer.json"])))
    made = Pool(pool)
    suite = run_stage(
        stages,
        stage,
        lambda folder: encode_suite(file, experiment.suite, made.tokenizer, made.end_token, context, folder),
    )
    if line := describe_counts(suite_counts(suite, made.end_token, context), context):
        print(f"suite        {line}: `from suite`", file=sys.stderr, flush=True)
    return suite


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
def train(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> dict[str, int]:
    """Every proxy that has no record yet; returns how cohorts were made."""
    if not experiment.reuse:  # whose natural mix repeats what the reused proportions ask for
        check_epochs(evidence, candidates, experiment.swarm.max_epochs)
    with stage_progress("train") as progress:
        logs = experiment.folder / "logs"
        decided = train_swarm(evidence, candidates, experiment.records, logs, experiment.executor, progress)
    for run, candidate in diverged_runs(evidence, candidates, experiment.records).items():
        line = f"train        {run} on mix {candidate.mix} diverged twice and is left out"
        print(line, file=sys.stderr, flush=True)
    return decided


@flow(name="draw-swarm", log_prints=False, validate_parameters=False)
def draw_flow(experiment: Experiment, pool: Path) -> tuple[Evidence, list[Candidate]]:
    """Pool to candidate mixes; returns what the proxies share, and the candidates."""
    proxy = experiment.proxy
    if proxy.init_from:
        start = experiment.corpus.file(proxy.init_from, "proxy.init_from")
        proxy = proxy.model_copy(update={"init_from": str(start)})
    evidence = Evidence(pool, make_suite(experiment, pool), proxy)
    return evidence, draw(experiment, pool)


@flow(name="swarm", log_prints=False, validate_parameters=False)
def swarm_flow(experiment: Experiment, pool: Path) -> tuple[Evidence, list[Candidate]]:
    """Pool to scores; returns what the proxies share, and the candidates."""
    evidence, candidates = draw_flow(experiment, pool)
    decided = train(experiment, evidence, candidates)
    rebuild_catalog(experiment, record_swarm(experiment, evidence, candidates, decided))
    return evidence, candidates


@flow(name="export-swarm", log_prints=False, validate_parameters=False)
def export_flow(experiment: Experiment, folder: Path) -> int:
    """Shards to mixes, written for proxies that are trained elsewhere; returns the number of runs."""
    evidence, candidates = draw_flow(experiment, prepare_flow(experiment))
    export_swarm(experiment, evidence, candidates, folder)
    return len(candidates)


@flow(name="exported-mixes", log_prints=False, validate_parameters=False)
def exported_mixes(experiment: Experiment) -> tuple[Pool, Table]:
    """The pool, and the mixes that `export_flow` writes."""
    evidence, candidates = draw_flow(experiment, prepare_flow(experiment))
    return Pool(evidence.pool), ratios_of(evidence, candidates)
