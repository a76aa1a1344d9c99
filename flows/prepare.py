"""Flow 1: shards to pool."""

from pathlib import Path

from prefect import flow

from flows.catalog.catalog import rebuild_catalog
from flows.catalog.record import record_pool
from flows.experiment import Experiment
from flows.settings.reuse import check_reuse
from flows.show.progress import stage_progress
from flows.stage_task import stage_task
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.store.stage import claim_folder
from pipeline.suite import check_suite
from pipeline.train.checkpoint_scores import start_of


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


@stage_task(name="index")
def index_tokens(experiment: Experiment) -> Path:
    """Check and index what is tokenised already."""
    with stage_progress("index") as progress:
        return refine.index_tokens(experiment.corpus, progress)


@stage_task(name="domains")
def choose_domains(experiment: Experiment, made: dict[str, Path]) -> Path:
    """Domains, buckets, validation split."""
    return assemble.choose_domains(experiment.corpus, made)


@stage_task(name="tokenizer")
def make_tokenizer(experiment: Experiment, made: dict[str, Path]) -> Path:
    """The pool's tokenizer."""
    with stage_progress("tokenizer"):
        return assemble.make_tokenizer(experiment.corpus, made)


@stage_task(name="tokenise")
def tokenise(experiment: Experiment, made: dict[str, Path]) -> Path:
    """Token files."""
    with stage_progress("tokenise") as progress:
        return assemble.tokenise(experiment.corpus, made, progress)


@stage_task(name="pool")
def gather_pool(experiment: Experiment, tokenised: Path, domains: Path, tokenizer: Path) -> Path:
    """The manifest."""
    return assemble.gather_pool(experiment.corpus, tokenised, domains, tokenizer)


def clean_texts(experiment: Experiment) -> dict[str, Path]:
    """The stages of texts: name → folder."""
    filtered = filter_shards(experiment, compile_block_list(experiment))
    deduplicated = deduplicate(experiment, filtered)
    cleaned = clean_documents(experiment, filtered, deduplicated)
    models = train_classifiers(experiment, filtered, cleaned)
    labelled = label_documents(experiment, cleaned, models)
    return {
        "filter": filtered, "deduplicate": deduplicated, "clean": cleaned, "classify": models, "label": labelled,
    }  # fmt: skip


@flow(name="prepare", log_prints=False, validate_parameters=False)
def prepare_flow(experiment: Experiment) -> Path:
    """Shards to pool; returns the pool's folder."""
    claim_folder(experiment.folder)
    check_reuse(experiment)
    start_of(experiment.proxy, experiment.corpus)
    check_suite(experiment.corpus.stages, experiment.corpus.file(experiment.suite.path, "suite.path"))
    ready_models(experiment)
    made = {}
    if experiment.corpus.tokenised:
        made["index"] = index_tokens(experiment)
    if experiment.corpus.texts:
        made |= clean_texts(experiment)
    try:
        made["domains"] = choose_domains(experiment, made)
        made["tokenizer"] = make_tokenizer(experiment, made)
        made["tokenise"] = tokenise(experiment, made)
        made["pool"] = gather_pool(experiment, made["tokenise"], made["domains"], made["tokenizer"])
    except Exception:
        rebuild_catalog(experiment, record_pool(experiment, made))  # so that the funnel can say why
        raise
    rebuild_catalog(experiment, record_pool(experiment, made))
    return made["pool"]
