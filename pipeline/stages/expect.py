"""What to expect of a pool and a suite that are not made yet."""

from pathlib import Path

import polars as pl

from mixes.quality_parts import PARTS, part_name
from pipeline.stages.corpus import Corpus
from pipeline.suite import read_suite
from pipeline.suite_settings import SuiteSettings

# UTF-8 bytes of a token under a byte-level BPE of 2,048, measured on the sample's suite; a larger vocabulary has fewer
# tokens. By it the suite's 147,606 tokens, 42,738 of them scored, are estimated as 142,449 and 42,950.
TOKEN_BYTES = 2.5


def expected_domains(corpus: Corpus) -> dict[str, str]:
    """Domain → source, of as many domains as the sources can make: one that is split by topic makes as many as it may,
    one whose records name their domains counts as one."""
    domains: dict[str, str] = {}
    for source, settings in sorted(corpus.sources.items()):
        parts = corpus.topics.most_domains if settings.topics and corpus.topics else 1
        names = [source if parts == 1 else f"{source}/{number + 1}" for number in range(parts)]
        cut = PARTS[corpus.pool.quality_parts] if corpus.pool.quality_parts and settings.quality else ()
        domains |= {part: source for name in names for part in [part_name(name, end) for end in cut] or [name]}
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
    return [item for items in lengths.values() for item in items[: settings.items]]
