"""The stages from shards to pool, in their order: the one place that says which of them are made from which.

A stage's address is a hash of all that decides it, so a pool that is found is this corpus's own: one of other
settings, or of files that have changed since, lies elsewhere.
"""

from collections.abc import Callable
from pathlib import Path

from pipeline.executor.progress import Progress
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.stages.corpus import Corpus
from pipeline.store.stage import Unfinished

RunStage = Callable[[str, Callable[[Progress], Path]], Path]  # (name, work that reports progress) → folder


def walk_stages(corpus: Corpus, run: RunStage) -> Path:
    """Take every stage of this corpus, in order, through `run`; returns the pool's folder.

    A corpus without texts has no stages of texts, one without tokenised sources no index.
    """
    made = {}
    if corpus.tokenised:
        made["index"] = run("index", lambda progress: refine.index_tokens(corpus, progress))
    if corpus.texts:
        made |= _walk_texts(corpus, run)
    domains = made["domains"] = run("domains", lambda _: assemble.choose_domains(corpus, made))
    tokenizer = made["tokenizer"] = run("tokenizer", lambda _: assemble.make_tokenizer(corpus, made))
    tokenised = run("tokenise", lambda progress: assemble.tokenise(corpus, made, progress))
    return run("pool", lambda _: assemble.gather_pool(corpus, tokenised, domains, tokenizer))


def _walk_texts(corpus: Corpus, run: RunStage) -> dict[str, Path]:
    """The stages of texts; those that later ones are made from, by name."""
    block_list = run("urls", lambda _: refine.compile_block_list(corpus))
    filtered = run("filter", lambda progress: refine.filter_shards(corpus, block_list, progress))
    duplicates = run("deduplicate", lambda progress: refine.deduplicate(corpus, filtered, progress))
    cleaned = run("clean", lambda progress: refine.clean_documents(corpus, filtered, duplicates, progress))
    models = run("classify", lambda progress: assemble.train_classifiers(corpus, filtered, cleaned, progress))
    labelled = run("label", lambda progress: assemble.label_documents(corpus, cleaned, models, progress))
    return {"clean": cleaned, "label": labelled}


def finished_pool(corpus: Corpus) -> Path:
    """The finished pool of this corpus. The files it was made from are hashed where they have changed.

    Raises:
        PipelineError: there is none (`Unfinished`, which names a stage), or what it would be made from is not there.
    """
    if not any(corpus.stages.root.glob("pool-*/stage.json")):  # spares the hashing of a new corpus
        raise Unfinished("no stage 'pool' is finished")
    return walk_stages(corpus.finding, lambda _, work: work(lambda _done, _total: None))
