"""Decides, once and for all ranks, what the domains are, where their buckets end and what is held out.

Document ids are hashes, so "the smallest ids" is a uniform sample that any number of workers agrees on: the
bucket edges come from one such sample, and the validation split is another.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from pipeline.errors import PipelineError
from pipeline.label.label import labels
from pipeline.label.names import OTHER, topic_names
from pipeline.pool.settings import PoolSettings
from pipeline.read.sources import TOKENS, SourceSettings
from pipeline.store.writing import write_aside

BUCKETS = 20  # quality vigintiles
EDGE_SAMPLE = 100_000  # documents of a domain that the edges are read from


class DomainPlan(BaseModel):
    """How one domain is made."""

    model_config = ConfigDict(frozen=True)

    source: str
    topics: tuple[str, ...] | None  # None: every topic of the source
    edges: tuple[float, ...]  # upper ends of buckets 0 … 18; empty: one bucket
    held_out_below: str  # documents with a smaller id are validation …
    held_out_bytes: int  # … unless they are larger than this


def plan_domains(
    labelled: Sequence[Path],
    sources: dict[str, SourceSettings],
    pool: PoolSettings,
    min_bytes: int,
    most_domains: int,
    folder: Path,
) -> None:
    """Write `domains.json`: domain → DomainPlan, for the documents of all stages of labels.

    Raises:
        PipelineError: a source has no document left.
    """
    table = labels(*labelled).collect()
    plans = {}
    for source, settings in sorted(sources.items()):
        documents = table.filter(pl.col("source") == source)
        if not len(documents):
            fix = "mend its shards" if settings.format == TOKENS else "loosen heuristics or set filters: false"
            raise PipelineError(
                f"sources.{source}: no document is left after filtering — the catalog's funnel_by_stage says why; {fix}"
            )
        if settings.fields.domain:
            parts = split_topics(documents, min_bytes, len(documents) + 1)
        else:
            parts = split_topics(documents, min_bytes, most_domains) if settings.topics else [(source, None)]
        for name, topics in parts:
            part = documents if topics is None else documents.filter(pl.col("topic").is_in(topics))
            plans[name] = _plan(source, topics, part, settings, pool)
    text = json.dumps({name: plan.model_dump() for name, plan in sorted(plans.items())}, indent=1)
    write_aside(folder / "domains.json", text.encode())


def read_domains(folder: Path) -> dict[str, DomainPlan]:
    """What `plan_domains` wrote."""
    return {name: DomainPlan(**plan) for name, plan in json.loads((folder / "domains.json").read_bytes()).items()}


def split_topics(
    documents: pl.DataFrame, min_bytes: int, most_domains: int
) -> list[tuple[str, tuple[str, ...] | None]]:
    """(domain, topics) of one source: its largest topics that reach `min_bytes`, and one domain for the rest.

    The rest must reach `min_bytes` too, or the smallest of the large topics joins it.
    """
    source = documents["source"][0]
    sizes = documents.group_by("topic").agg(pl.col("bytes").sum()).sort(["bytes", "topic"], descending=[True, False])
    large = [topic for topic, size in sizes.iter_rows() if size >= min_bytes and topic != OTHER][: most_domains - 1]
    rest = [(topic, size) for topic, size in sizes.iter_rows() if topic not in large]
    while large and rest and sum(size for _, size in rest) < min_bytes:
        joining = large.pop()
        rest.append((joining, sizes.filter(pl.col("topic") == joining)["bytes"][0]))
    if not large:
        return [(source, None)]
    names = topic_names([*large, OTHER])
    named: list[tuple[str, tuple[str, ...] | None]] = [(f"{source}/{names[topic]}", (topic,)) for topic in large]
    return named + ([(f"{source}/{OTHER}", tuple(sorted(topic for topic, _ in rest)))] if rest else [])


def _plan(
    source: str, topics: tuple[str, ...] | None, part: pl.DataFrame, settings: SourceSettings, pool: PoolSettings
) -> DomainPlan:
    by_id = part.sort("id")
    edges: tuple[float, ...] = ()
    if settings.quality:
        sample = by_id.head(EDGE_SAMPLE)["quality"]
        # Scores of documents, nothing between them: any calibration that keeps their order keeps the buckets.
        edges = tuple(float(sample.quantile(i / BUCKETS, "higher") or 0) for i in range(1, BUCKETS))
    sizes = by_id["bytes"].to_list()
    wanted = min(pool.validation_bytes, int(sum(sizes) * pool.validation_share))
    largest = max(wanted // 2, min(sizes))
    small = by_id.filter(pl.col("bytes") <= largest).with_columns(so_far=pl.col("bytes").cum_sum())
    held_out = small.filter(pl.col("so_far") - pl.col("bytes") < wanted)
    below = held_out["id"].to_list()[-1]
    return DomainPlan(source=source, topics=topics, edges=edges, held_out_below=f"{below}~", held_out_bytes=largest)
