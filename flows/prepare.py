"""Flow 1: shards to pool."""

from pathlib import Path

from prefect import flow

from flows.catalog import rebuild_catalog
from flows.experiment import Experiment
from flows.progress import stage_progress
from flows.record import record_pool
from flows.stage_task import stage_task
from pipeline import prepare as stages


@stage_task(name="filter")
def filter_shards(experiment: Experiment) -> Path:
    """Read, extract, heuristics, language."""
    with stage_progress("filter") as progress:
        return stages.filter_shards(experiment.corpus, progress)


@stage_task(name="deduplicate")
def deduplicate(experiment: Experiment, filtered: Path) -> Path:
    """Exact duplicates."""
    with stage_progress("deduplicate") as progress:
        return stages.deduplicate(experiment.corpus, filtered, progress)


@stage_task(name="classify")
def train_classifiers(experiment: Experiment, filtered: Path) -> Path:
    """Train the quality and topic models."""
    with stage_progress("classify") as progress:
        return stages.train_classifiers(experiment.corpus, filtered, progress)


@stage_task(name="label")
def label_documents(experiment: Experiment, filtered: Path, deduplicated: Path, models: Path) -> Path:
    """Score what is left."""
    with stage_progress("label") as progress:
        return stages.label_documents(experiment.corpus, filtered, deduplicated, models, progress)


@stage_task(name="domains")
def choose_domains(experiment: Experiment, labelled: Path) -> Path:
    """Domains, buckets, validation split."""
    return stages.choose_domains(experiment.corpus, labelled)


@stage_task(name="tokenizer")
def train_tokenizer(experiment: Experiment, filtered: Path, labelled: Path, domains: Path) -> Path:
    """The pool's tokenizer."""
    with stage_progress("tokenizer"):
        return stages.train_tokenizer(experiment.corpus, filtered, labelled, domains)


@stage_task(name="tokenise")
def tokenise(experiment: Experiment, filtered: Path, labelled: Path, domains: Path, tokenizer: Path) -> Path:
    """Token files."""
    with stage_progress("tokenise") as progress:
        return stages.tokenise(experiment.corpus, filtered, labelled, domains, tokenizer, progress)


@stage_task(name="pool")
def gather_pool(experiment: Experiment, tokenised: Path, domains: Path, tokenizer: Path) -> Path:
    """The manifest."""
    return stages.gather_pool(experiment.corpus, tokenised, domains, tokenizer)


@flow(name="prepare", log_prints=False, validate_parameters=False)
def prepare_flow(experiment: Experiment) -> Path:
    """Shards to pool; returns the pool's folder."""
    filtered = filter_shards(experiment)
    deduplicated = deduplicate(experiment, filtered)
    models = train_classifiers(experiment, filtered)
    labelled = label_documents(experiment, filtered, deduplicated, models)
    record_labels = {"filter": filtered, "deduplicate": deduplicated, "classify": models, "label": labelled}
    try:
        domains = choose_domains(experiment, labelled)
        tokenizer = train_tokenizer(experiment, filtered, labelled, domains)
        tokenised = tokenise(experiment, filtered, labelled, domains, tokenizer)
        pool = gather_pool(experiment, tokenised, domains, tokenizer)
    except Exception:
        rebuild_catalog(experiment, record_pool(experiment, record_labels))  # so that the funnel can say why
        raise
    made = {**record_labels, "domains": domains, "tokenise": tokenised, "pool": pool}
    rebuild_catalog(experiment, record_pool(experiment, made))
    return pool
