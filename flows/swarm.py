"""Flow 2: pool to scores."""

import hashlib
import sys
from dataclasses import replace
from pathlib import Path

from prefect import flow
from pydantic import TypeAdapter

from flows.catalog.catalog import rebuild_catalog
from flows.catalog.record import record_swarm
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.prepare import prepare_flow
from flows.settings.question import question_address, question_of
from flows.settings.repetition import kept_sequences, note_unprescribed
from flows.settings.reuse import describe_plan, reuse_plan
from flows.show.progress import stage_progress
from flows.stage_task import stage_task
from flows.trainers.export import EXPORT_KEYS, export_swarm, ratios_of
from mixes.recommendation.rounds import likely_optima
from mixes.reuse.plan import draw_reusing_swarm
from mixes.swarm import Candidate, draw_round, draw_swarm
from mixes.tables.keys import Table
from pipeline.errors import PipelineError
from pipeline.pool.pool import Pool
from pipeline.stages.find import find_pool
from pipeline.store.stage import Stage, hash_files, looking, run_stage, write_aside
from pipeline.suite import describe_counts, encode_suite, suite_counts
from pipeline.train.checkpoint_scores import score_checkpoint, start_of
from pipeline.train.swarm import Evidence, check_epochs, check_gpus, diverged_runs, slowed_runs, train_swarm

CANDIDATES = TypeAdapter(list[Candidate])


@stage_task(name="suite")
def make_suite(experiment: Experiment, pool: Path) -> Path:
    """The suite, tokenised."""
    file = experiment.corpus.file(experiment.suite.path, "suite.path")
    stages, context = experiment.corpus.stages, experiment.proxy.context
    settings = {"items": experiment.suite.items, "context": context}
    stage = Stage("suite", 2, settings, (hash_files(stages, [file]), hash_files(stages, [pool / "tokenizer.json"])))
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
def draw(experiment: Experiment, evidence: Evidence) -> list[Candidate]:
    """The candidate mixes."""
    tokens = {name: domain.tokens for name, domain in Pool(evidence.pool).domains.items()}
    caps = evidence.caps(experiment.swarm.max_epochs) if evidence.kept else None
    plan = reuse_plan(experiment, evidence.pool)
    if plan:
        print("\n".join(f"reuse        {line}" for line in describe_plan(plan)), file=sys.stderr, flush=True)
        return draw_reusing_swarm(tokens, experiment.proxy.tokens, experiment.swarm, experiment.seed, plan, caps)
    return draw_swarm(tokens, experiment.proxy.tokens, experiment.swarm, experiment.seed, caps)


@stage_task(name="draw-round")
def draw_next(experiment: Experiment, evidence: Evidence, earlier: list[Candidate], number: int) -> list[Candidate]:
    """The candidate mixes of a later round: drawn once, whatever the last digits of a fit on another machine."""
    pool, settings = Pool(evidence.pool), experiment.swarm
    caps = evidence.caps(settings.max_epochs)
    runs = hashlib.sha256("".join(evidence.run_id(candidate) for candidate in earlier).encode()).hexdigest()[:12]
    address = {**question_address(experiment), "swarm": settings.model_dump(), "round": number}
    stage = Stage("round", 2, address, (pool.folder.name, evidence.suite.name, runs))

    def work(folder: Path) -> None:
        question = question_of(experiment, evidence, earlier).within(caps)
        optima = likely_optima(replace(question, seed=experiment.seed + number), settings.rounds[number - 1])
        drawn = draw_round(number, earlier, optima, pool.natural, caps, settings, experiment.seed)
        write_aside(folder / "candidates.json", CANDIDATES.dump_json(drawn))

    with stage_progress(f"round {number}"):
        folder = run_stage(experiment.corpus.stages, stage, work)
    return CANDIDATES.validate_json((folder / "candidates.json").read_bytes())


@stage_task(name="score-checkpoint")
def score_start(experiment: Experiment, evidence: Evidence) -> None:
    """What proxies start from, scored before they train."""
    with stage_progress("score") as progress:
        score_checkpoint(evidence, experiment.records, experiment.folder / "logs", experiment.executor, progress)


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
    for run, candidate in slowed_runs(evidence, candidates, experiment.records).items():
        line = f"train        {run} on mix {candidate.mix} diverged once and learned at half the rate: its scores count"
        print(line, file=sys.stderr, flush=True)
    return decided


def _within(evidence: Evidence, decided: dict[str, int]) -> Evidence:
    """For a later round: no larger cohorts than memory let an earlier one have."""
    if "most" not in decided:
        return evidence
    return replace(evidence, proxy=evidence.proxy.model_copy(update={"cohort": decided["most"]}))


def pool_to_train_on(experiment: Experiment) -> Path:
    """Shards to pool, for proxies: what would stop those is said before a pool is made, which may take days."""
    try:
        with looking():
            find_pool(experiment.corpus)
    except PipelineError:
        check_gpus(experiment.proxy, experiment.executor)
    return prepare_flow(experiment)


@flow(name="draw-swarm", log_prints=False, validate_parameters=False)
def draw_flow(experiment: Experiment, pool: Path) -> tuple[Evidence, list[Candidate]]:
    """Pool to candidate mixes; returns what the proxies share, and the candidates."""
    proxy = start_of(experiment.proxy, experiment.corpus)
    evidence = Evidence(pool, make_suite(experiment, pool), proxy, kept_sequences(experiment, pool, proxy))
    return evidence, draw(experiment, evidence)


@flow(name="swarm", log_prints=False, validate_parameters=False)
def swarm_flow(experiment: Experiment, pool: Path) -> tuple[Evidence, list[Candidate]]:
    """Pool to scores; returns what the proxies share, and the candidates."""
    evidence, candidates = draw_flow(experiment, pool)
    if evidence.proxy.init_from:
        score_start(experiment, evidence)
    decided = train(experiment, evidence, candidates)
    for number in range(2, len(experiment.swarm.rounds) + 1):
        candidates = [*candidates, *draw_next(experiment, evidence, candidates, number)]
        decided = train(experiment, _within(evidence, decided), candidates) | decided
    rebuild_catalog(experiment, record_swarm(experiment, evidence, candidates, decided))
    return evidence, candidates


@flow(name="export-swarm", log_prints=False, validate_parameters=False)
def export_flow(experiment: Experiment, folder: Path) -> int:
    """Shards to mixes, written for proxies that are trained elsewhere; returns the number of runs."""
    if len(experiment.swarm.rounds) > 1:
        raise ExperimentError(
            f"--export: swarm.rounds {list(experiment.swarm.rounds)} draws later mixes by the scores of earlier ones — "
            "export a swarm of one round"
        )
    evidence, candidates = draw_flow(experiment, prepare_flow(experiment))
    export_swarm(experiment, evidence, candidates, folder)
    note_unprescribed(evidence)
    return len(candidates)


@flow(name="exported-mixes", log_prints=False, validate_parameters=False)
def exported_mixes(experiment: Experiment) -> tuple[Pool, Table, dict[str, int]]:
    """The pool, the mixes that `export_flow` writes, and their seeds, by any of the keys that runs have there."""
    evidence, candidates = draw_flow(experiment, prepare_flow(experiment))
    mixes = ratios_of(evidence, candidates)
    keys = (mixes.frame[key].to_list() for key in EXPORT_KEYS)
    seeds = {name: one.seed for names in keys for name, one in zip(names, candidates, strict=True)}
    return Pool(evidence.pool), mixes, seeds
