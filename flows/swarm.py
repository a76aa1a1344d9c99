"""Flow 2: pool to scores."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from flows.candidates import draw_first, draw_next, later_rounds, make_suite
from flows.catalog.record import record_swarm
from flows.earlier.carry import carried_runs, keep_records
from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.orchestration import flow, published_progress, run_task
from flows.prepare import prepare_flow, with_progress
from flows.settings.check import check_on_pool
from flows.settings.repetition import kept_sequences, note_unprescribed
from flows.settings.reuse import describe_plan, reuse_plan
from flows.show.progress import note, stage_progress
from flows.so_far import shown_so_far
from flows.trainers.swarm import EXPORT_KEYS, export_swarm, ratios_of
from mixes.recommendation.settings import RecommendSettings
from mixes.swarm import Candidate
from mixes.tables.keys import Table
from pipeline.errors import PipelineError
from pipeline.pool.check_tokens import DamagedTokens
from pipeline.pool.pool import Pool
from pipeline.stages.graph import finished_pool, walk_stages
from pipeline.suite import describe_counts, suite_counts
from pipeline.train.checkpoint_scores import score_checkpoint, start_of
from pipeline.train.records import diverged_runs, slowed_runs
from pipeline.train.setup import Evidence, check_epochs
from pipeline.train.swarm import check_gpus, train_swarm


def pool_to_train_on(experiment: Experiment, asked: RecommendSettings | None = None) -> Path:
    """Shards to pool, for proxies. What would stop the proxies, or the recommendation that is asked for, is checked
    before the pool is made, which may take days, and once more when its domains are known.

    asked: in place of the experiment's own.
    """
    try:
        finished_pool(experiment.corpus)
    except PipelineError:
        check_gpus(experiment.proxy, experiment.executor)
        from pipeline.executor.run import check_executor  # with datatrove, which a finished pool needs nothing of

        check_executor(experiment.executor)
    pool_folder = prepare_flow(experiment, asked)
    check_on_pool(experiment, asked or experiment.recommend, pool_folder)
    return pool_folder


@flow("draw-swarm")
def draw_flow(experiment: Experiment, pool_folder: Path) -> tuple[Evidence, list[Candidate]]:
    """Pool to candidate mixes; returns what the proxies share, and the candidates."""
    stages, context = experiment.corpus.stages, experiment.proxy.context
    proxy = start_of(experiment.proxy, experiment.corpus)
    suite = run_task("suite", lambda: make_suite(experiment, stages, pool_folder))
    if line := describe_counts(suite_counts(suite, Pool(pool_folder).end_token, context), context):
        note("suite", f"{line}: `from suite`")
    evidence = Evidence(pool_folder, suite, proxy, kept_sequences(experiment, pool_folder, proxy))
    if plan := reuse_plan(experiment, stages, pool_folder):
        for line in describe_plan(plan):
            note("reuse", line)
    if experiment.reuse and experiment.reuse.runs:
        _keep_earlier(experiment, evidence)
    return evidence, run_task("draw", lambda: draw_first(experiment, stages, evidence))


def _keep_earlier(experiment: Experiment, evidence: Evidence) -> None:
    """Report what became of the earlier runs' domains, and keep their records here."""
    carried = carried_runs(experiment, experiment.corpus.stages, evidence)
    for line in carried.lines:
        note("reuse", line)
    keep_records(experiment, carried)


@flow("swarm")
def swarm_flow(
    experiment: Experiment, pool_folder: Path, asked: RecommendSettings | None = None
) -> tuple[Evidence, list[Candidate]]:
    """Pool to scores; returns what the proxies share, and the candidates.

    asked: what the recommendation so far is for, in place of the experiment's own.
    """
    evidence, candidates = draw_flow(experiment, pool_folder)
    if evidence.proxy.init_from:
        run_task("score-checkpoint", lambda: _score_start(experiment, evidence))
    shown = experiment.model_copy(update={"recommend": asked}) if asked else experiment
    decided = _train_all(shown, evidence, candidates)
    for number in later_rounds(experiment, candidates):
        drawn = _draw_round(experiment, evidence, candidates, number)
        if not drawn:
            break
        candidates = [*candidates, *drawn]
        decided = _train_all(shown, _within(evidence, decided), candidates) | decided
    record_swarm(experiment, evidence, candidates, decided)
    return evidence, candidates


def _score_start(experiment: Experiment, evidence: Evidence) -> None:
    """Score the checkpoint that proxies start from, before they train."""
    with stage_progress("score") as progress:
        score_checkpoint(evidence, experiment.records, experiment.folder / "logs", experiment.executor, progress)


def _train(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> dict[str, int]:
    """Train every proxy that has no record yet; returns how cohorts were made."""
    if not experiment.reuse:  # a reused mix may repeat a domain more often than the cap
        check_epochs(evidence, candidates, experiment.swarm.max_epochs)
    try:
        decided = _train_missing(experiment, evidence, candidates)
    except DamagedTokens as damaged:
        experiment.corpus.stages.discard(damaged.stage, damaged.reason)
        walk_stages(experiment.corpus, with_progress)
        decided = _train_missing(experiment, evidence, candidates)
    for run, candidate in diverged_runs(evidence, candidates, experiment.records).items():
        note("train", f"{run} on mix {candidate.mix} diverged twice and is left out")
    for run, candidate in slowed_runs(evidence, candidates, experiment.records).items():
        note("train", f"{run} on mix {candidate.mix} diverged once and learned at half the rate; its scores count")
    return decided


def _train_missing(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> dict[str, int]:
    with (
        stage_progress("train") as bar,
        published_progress("train") as published,
        shown_so_far(experiment, evidence, candidates, bar, published) as progress,
    ):
        new = [candidate for candidate in candidates if not candidate.run]
        return train_swarm(
            evidence, new, experiment.records, experiment.folder / "logs", experiment.executor, progress,
            partial(note, "train"),
        )  # fmt: skip


def _draw_round(experiment: Experiment, evidence: Evidence, earlier: list[Candidate], number: int) -> list[Candidate]:
    stages = replace(experiment.corpus.stages, note=partial(note, "round"))

    def draw() -> list[Candidate]:
        with stage_progress(f"round {number}"):
            return draw_next(experiment, stages, evidence, earlier, number)

    return run_task("draw-round", draw)


def _train_all(experiment: Experiment, evidence: Evidence, candidates: list[Candidate]) -> dict[str, int]:
    return run_task("train", lambda: _train(experiment, evidence, candidates))


def _within(evidence: Evidence, decided: dict[str, int]) -> Evidence:
    """For a later round: cohorts no larger than memory allowed in an earlier round."""
    if "most" not in decided:
        return evidence
    return replace(evidence, proxy=evidence.proxy.model_copy(update={"cohort": decided["most"]}))


def _refuse_earlier(experiment: Experiment) -> None:
    """Earlier runs were trained and scored here, and those of another trainer cannot be compared with them."""
    if experiment.reuse and experiment.reuse.runs:
        raise ExperimentError(
            "reuse.runs: earlier runs cannot be compared with proxies that are trained elsewhere (--export, --metrics) "
            "— leave the section out"
        )


@flow("export-swarm")
def export_flow(experiment: Experiment, folder: Path) -> int:
    """Shards to mixes, written for proxies that are trained elsewhere; returns the number of runs."""
    if experiment.swarm.by_scores:
        name = "swarm.stop" if experiment.swarm.stop else f"swarm.rounds {list(experiment.swarm.rounds)}"
        raise ExperimentError(
            f"--export: {name} draws later mixes by the scores of earlier ones — export a swarm of one round"
        )
    _refuse_earlier(experiment)
    evidence, candidates = draw_flow(experiment, prepare_flow(experiment))
    export_swarm(experiment, evidence, candidates, folder)
    note_unprescribed(evidence)
    return len(candidates)


@flow("exported-mixes")
def exported_mixes(experiment: Experiment) -> tuple[Pool, Table, dict[str, int]]:
    """The pool, the mixes that `export_flow` writes, and their seeds by each of the keys that runs have in those
    files."""
    _refuse_earlier(experiment)
    evidence, candidates = draw_flow(experiment, prepare_flow(experiment))
    mixes = ratios_of(evidence, candidates)
    keys = (mixes.frame[key].to_list() for key in EXPORT_KEYS)
    seeds = {name: candidate.seed for names in keys for name, candidate in zip(names, candidates, strict=True)}
    return Pool(evidence.pool), mixes, seeds
