"""Trains the pool's tokenizer: a byte-level BPE of an equal share of every domain."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from pipeline.label.label import labels
from pipeline.pool.domains import read_domains
from pipeline.pool.settings import TokenizerSettings
from pipeline.store.documents import scan

LONGEST = 20_000  # characters of one document that the training sees


def train_bpe(cleaned: Path, labelled: Path, domains: Path, settings: TokenizerSettings) -> Tokenizer:
    """A byte-level BPE of the pool's own texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocabulary,
        special_tokens=[settings.end],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_training_texts(cleaned, labelled, domains, settings.bytes_a_domain), trainer)
    return tokenizer


def _training_texts(cleaned: Path, labelled: Path, domains: Path, size: int) -> Iterator[str]:
    """Documents with the largest ids of each domain (validation has the smallest), up to `size` bytes."""
    for _, plan in sorted(read_domains(domains).items()):
        documents = labels(labelled).filter(pl.col("source") == plan.source)
        if plan.topics is not None:
            documents = documents.filter(pl.col("topic").is_in(plan.topics))
        chosen = (
            documents.select("id", pl.min_horizontal("bytes", LONGEST).alias("bytes"))
            .filter(pl.col("id") > plan.held_out_below)
            .sort("id", descending=True)
            .filter(pl.col("bytes").cum_sum() <= size)
            .select("id")
        )
        texts = scan(cleaned, "documents").select("id", "text").join(chosen, on="id", how="semi").collect()
        for text in texts.sort("id")["text"]:
            yield text[:LONGEST]
