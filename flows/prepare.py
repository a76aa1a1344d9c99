"""Flow 1: shards to pool."""

from pathlib import Path

from prefect import flow

from flows.catalog import rebuild_catalog
from flows.experiment import Experiment
from flows.progress import stage_progress
from flows.record import record_pool
from flows.reuse import check_reuse
from flows.stage_task import stage_task
from pipeline import assemble, refine
from pipeline.stage import claim_folder


@stage_task(name="models")
def ready_models(experiment: Experiment) -> None:
    """Fetch and check the ready models, before anything that takes long."""
    assemble.ready_models(experiment.corpus)


@stage_task(name="urls")
def compile_block_list(experiment: Experiment) -> Path:
    """The URL block list."""
    with stage_progress("urls"):
        return refine.compile_block_list(experiment.corpus)


@stage_task(name="filter")
def filter_shards(experiment: Experiment, block_list: Path) -> Path:
    """Read, extract, filter."""
    with stage_progress("filter") as progress:
        return refine.filter_shards(experiment.corpus, block_list, progress)


@stage_task(name="deduplicate")
def deduplicate(experiment: Experiment, filtered: Path) -> Path:
    """Find equal documents, near duplicates, repeated passages."""
    with stage_progress("deduplicate") as progress:
        return refine.deduplicate(experiment.corpus, filtered, progress)


@stage_task(name="clean")
def clean_documents(experiment: Experiment, filtered: Path, deduplicated: Path) -> Path:
    """Remove, deduplicate, trim, decontaminate."""
    with stage_progress("clean") as progress:
        return refine.clean_documents(experiment.corpus, filtered, deduplicated, progress)


@stage_task(name="classify")
def train_classifiers(experiment: Experiment, filtered: Path, cleaned: Path) -> Path:
    """Train the quality and topic models."""
    with stage_progress("classify") as progress:
        return assemble.train_classifiers(experiment.corpus, filtered, cleaned, progress)


@stage_task(name="label")
def label_documents(experiment: Experiment, cleaned: Path, models: Path) -> Path:
    """Score what is left."""
    with stage_progress("label") as progress:
        return assemble.label_documents(experiment.corpus, cleaned, models, progress)


@stage_task(name="domains")
def choose_domains(experiment: Experiment, labelled: Path) -> Path:
    """Domains, buckets, validation split."""
    return assemble.choose_domains(experiment.corpus, labelled)


@stage_task(name="tokenizer")
def train_tokenizer(experiment: Experiment, cleaned: Path, labelled: Path, domains: Path) -> Path:
    """The pool's tokenizer."""
    with stage_progress("tokenizer"):
        return assemble.train_tokenizer(experiment.corpus, cleaned, labelled, domains)


@stage_task(name="tokenise")
def tokenise(experiment: Experiment, cleaned: Path, labelled: Path, domains: Path, tokenizer: Path) -> Path:
    """Token files."""
    with stage_progress("tokenise") as progress:
        return assemble.tokenise(experiment.corpus, cleaned, labelled, domains, tokenizer, progress)


@stage_task(name="pool")
def gather_pool(experiment: Experiment, tokenised: Path, domains: Path, tokenizer: Path) -> Path:
    """The manifest."""
    return assemble.gather_pool(experiment.corpus, tokenised, domains, tokenizer)


@flow(name="prepare", log_prints=False, validate_parameters=False)
def prepare_flow(experiment: Experiment) -> Path:
    """Shards to pool; returns the pool's folder."""
    claim_folder(experiment.folder)
    check_reuse(experiment)
    ready_models(experiment)
    filtered = filter_shards(experiment, compile_block_list(experiment))
    deduplicated = deduplicate(experiment, filtered)
    cleaned = clean_documents(experiment, filtered, deduplicated)
    models = train_classifiers(experiment, filtered, cleaned)
    labelled = label_documents(experiment, cleaned, models)
    record_labels = {
        "filter": filtered, "deduplicate": deduplicated, "clean": cleaned, "classify": models, "label": labelled,
    }  # fmt: skip
    try:
        domains = choose_domains(experiment, labelled)
        tokenizer = train_tokenizer(experiment, cleaned, labelled, domains)
        tokenised = tokenise(experiment, cleaned, labelled, domains, tokenizer)
        pool = gather_pool(experiment, tokenised, domains, tokenizer)
    except Exception:
        rebuild_catalog(experiment, record_pool(experiment, record_labels))  # so that the funnel can say why
        raise
    made = {**record_labels, "domains": domains, "tokenise": tokenised, "pool": pool}
    rebuild_catalog(experiment, record_pool(experiment, made))
    return pool
