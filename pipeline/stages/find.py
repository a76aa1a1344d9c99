"""What is known of the pool and the suite while nothing may be made: found at their addresses, or estimated.

A stage's address is a hash of all that decides it, so a pool that is found is this corpus's own: one of other
settings, or of files that have changed since, lies elsewhere.
"""

from pathlib import Path

import polars as pl

from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.stages.corpus import Corpus
from pipeline.store.stage import Unfinished, looking
from pipeline.suite import read_suite
from pipeline.suite_settings import SuiteSettings

# UTF-8 bytes of a token under a byte-level BPE of 2,048, measured on the sample's suite; a larger vocabulary has fewer
# tokens. By it the suite's 147,606 tokens, 42,738 of them scored, are estimated as 142,449 and 42,950.
TOKEN_BYTES = 2.5


def find_pool(corpus: Corpus) -> Path:
    """The finished pool of this corpus. The files it was made from are hashed where they have changed.

    Raises:
        PipelineError: there is none (`Unfinished`, which names a stage), or what it would be made from is not there.
    """
    if not any(corpus.stages.glob("pool-*/stage.json")):  # spares the hashing of a new corpus
        raise Unfinished("no stage 'pool' is finished")
    with looking():
        made = {"index": refine.index_tokens(corpus, _unseen)} if corpus.tokenised else {}
        if corpus.texts:
            made |= _texts(corpus)
        made["domains"] = assemble.choose_domains(corpus, made)
        made["tokenizer"] = assemble.make_tokenizer(corpus, made)
        tokenised = assemble.tokenise(corpus, made, _unseen)
        return assemble.gather_pool(corpus, tokenised, made["domains"], made["tokenizer"])


def _texts(corpus: Corpus) -> dict[str, Path]:
    """The stages of texts that later ones are made from: name → folder."""
    filtered = refine.filter_shards(corpus, refine.compile_block_list(corpus), _unseen)
    cleaned = refine.clean_documents(corpus, filtered, refine.deduplicate(corpus, filtered, _unseen), _unseen)
    models = assemble.train_classifiers(corpus, filtered, cleaned, _unseen)
    return {"clean": cleaned, "label": assemble.label_documents(corpus, cleaned, models, _unseen)}


def _unseen(done: int, total: int) -> None:
    """Progress of nothing."""


def expected_domains(corpus: Corpus) -> dict[str, str]:
    """Domain → source, of as many domains as the sources can make: one that is split by topic makes as many as it may,
    one whose records name their domains counts as one."""
    domains: dict[str, str] = {}
    for source, settings in sorted(corpus.sources.items()):
        most = corpus.topics.most_domains if settings.topics and corpus.topics else 1
        domains |= {source if most == 1 else f"{source}/{number + 1}": source for number in range(most)}
    return domains


def encoded_items(suite: Path) -> list[tuple[int, int]]:
    """(tokens, of them scored) of every item of a finished suite."""
    table = pl.read_parquet(suite / "items.parquet", columns=["tokens", "scored"])
    return table.select(pl.col("tokens").list.len().cast(pl.Int64), "scored").rows()


def expected_items(file: Path, settings: SuiteSettings, context: int) -> list[tuple[int, int]]:
    """The same, estimated from the suite's file: as many of each task as will be drawn, their lengths from bytes.

    Raises:
        PipelineError: it cannot be read, or is no suite.
    """
    lengths: dict[str, list[tuple[int, int]]] = {}
    for row in read_suite(file):
        scored = max(1, round(len(row["continuation"].encode()) / TOKEN_BYTES))
        tokens = 1 + scored + round(len(row["context"].encode()) / TOKEN_BYTES)
        lengths.setdefault(row["task"], []).append((min(tokens, context + 1), min(scored, context)))
    return [item for mine in lengths.values() for item in mine[: settings.items]]
