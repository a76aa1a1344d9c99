"""Flow 1: shards to pool."""

from collections.abc import Callable
from pathlib import Path

from flows.artifacts import publish_funnel
from flows.catalog.newer import check_workspace
from flows.catalog.owners import write_owner
from flows.catalog.record import READERS, record_pool
from flows.earlier.compare import check_earlier
from flows.experiment import Experiment
from flows.orchestration import flow, published_progress, run_task
from flows.settings.check import check_question
from flows.settings.reuse import check_reuse
from flows.show.progress import note, stage_progress
from mixes.recommendation.settings import RecommendSettings
from pipeline.executor.progress import Progress
from pipeline.read.losses import describe_refused
from pipeline.read.sources import find_shards
from pipeline.stages.graph import walk_stages
from pipeline.stages.pool import ready_models
from pipeline.store.work_folder import claim_folder, release_folder
from pipeline.suite import check_suite
from pipeline.train.checkpoint_scores import start_of

QUICK = ("domains", "pool")  # stages without a line of progress
LATE = ("domains", "tokenizer", "tokenise", "pool")  # stages after the whole funnel
UNRECORDED = ("urls",)


@flow("prepare")
def prepare_flow(experiment: Experiment, asked: RecommendSettings | None = None) -> Path:
    """Shards to pool; returns the pool's folder.

    asked: what the pool is to answer, in place of the experiment's own.
    """
    corpus = experiment.corpus
    check_workspace(experiment.folder)
    claim_folder(experiment.folder)
    try:
        _check(experiment, asked or experiment.recommend)
    except BaseException:
        release_folder(experiment.folder)
        raise
    write_owner(experiment)
    made: dict[str, Path] = {}

    def run(name: str, work: Callable[[Progress], Path]) -> Path:
        try:
            folder = run_task(name, lambda: with_progress(name, work))
        except Exception:
            if name in LATE:
                record_pool(experiment, made)  # so that the funnel shows why
            raise
        if name not in UNRECORDED:
            made[name] = folder
        return folder

    pool = walk_stages(corpus, run)
    record_pool(experiment, made)
    write_owner(experiment, pool.name)
    publish_funnel(experiment.catalog)
    for name in READERS:
        for line in describe_refused(made[name]) if name in made else ():
            note("sources", f"{line}: `from refused`")
    return pool


def _check(experiment: Experiment, asked: RecommendSettings) -> None:
    """Check what can be known before anything that takes long."""
    corpus = experiment.corpus
    check_reuse(experiment)
    check_earlier(experiment)
    start_of(experiment.proxy, corpus)
    find_shards(corpus.sources, corpus.base)
    families = check_suite(corpus.stages, corpus.suite_file)
    check_question(experiment, asked, families)
    run_task("models", lambda: ready_models(corpus))


def with_progress(name: str, work: Callable[[Progress], Path]) -> Path:
    """A stage's folder; shows how far it is, unless it takes no time."""
    if name in QUICK:
        return work(lambda _done, _total: None)
    with stage_progress(name) as shown, published_progress(name) as published:

        def progress(done: int, total: int) -> None:
            shown(done, total)
            published(done, total)

        return work(progress)
