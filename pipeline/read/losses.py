"""How much of the sources could not be read, and whether that is too much."""

import math
from pathlib import Path

import polars as pl

from pipeline.errors import PipelineError
from pipeline.read.settings import ReadSettings
from pipeline.read.sources import Shard
from pipeline.store.documents import KEPT, scan

NAMED = 5  # shards or reasons that a line names
REPORTED = 0.03  # share of a source's records from which on refusals are reported (assumed: fewer are usual)
REFUSED = "refused: "  # begins a reason in the funnel
# What a crawl holds beside its pages: refused, and no text is lost by it.
UNWANTED = r"^(?:not HTML|HTTP status \d+|revisit of another record|no record)$"


def check_refused(folder: Path, shards: list[Shard], settings: ReadSettings) -> None:
    """Stop where too much of the input was lost, by what `ReadShards` wrote on all ranks.

    Raises:
        PipelineError: more than `max_refused_share` of the shards ended early or could not be read at all, or of a
            source's records that hold text.
    """
    most = settings.max_refused_share
    lost = scan(folder, "refused").filter("fatal").sort("source", "shard").collect()  # a shard has one such row
    if len(lost) > most * len(shards):
        named = [f"{source}/{shard} ({reason})" for source, shard, _, reason, _ in lost.head(NAMED).iter_rows()]
        raise PipelineError(
            f"sources: {len(lost)} of {len(shards)} shards could not be read to their end: "
            f"{_listed(named, len(lost))} — mend them or leave them out, or set read.max_refused_share to "
            f"{_enough(len(lost) / len(shards))} (it is {most:g})"
        )
    for source, (read, reasons) in _refused_by_source(folder, unwanted=False).items():
        count = sum(reasons.values())
        if count > most * (read + count):
            raise PipelineError(
                f"sources.{source}: {count:,} of {read + count:,} records could not be read: {_reasons(reasons)} — "
                f"mend them or leave them out, or set read.max_refused_share to {_enough(count / (read + count))} "
                f"(it is {most:g})"
            )


def describe_refused(folder: Path) -> list[str]:
    """A line on every source of which more than a few records were refused, whatever for."""
    lines = []
    for source, (read, reasons) in _refused_by_source(folder, unwanted=True).items():
        count = sum(reasons.values())
        if count > REPORTED * (read + count):
            share = count / (read + count)
            lines.append(f"{source}: {share:.0%} of {read + count:,} records were refused: {_reasons(reasons)}")
    return lines


def lost_ranks(folder: Path) -> list[str]:
    """The names of the ranks that lost a shard, or a part of one."""
    return [
        file.stem for file in sorted((folder / "refused").glob("*.parquet")) if pl.read_parquet(file)["fatal"].any()
    ]


def _refused_by_source(folder: Path, unwanted: bool) -> dict[str, tuple[int, dict[str, int]]]:
    """Source → records that were read, and reason → records that were refused, the most frequent first."""
    rows = scan(folder, "funnel/read").group_by("source", "reason").agg(pl.col("documents").sum()).collect()
    by_source: dict[str, tuple[int, dict[str, int]]] = {}
    for (source,), part in sorted(rows.group_by("source")):
        read = int(part.filter(pl.col("reason") == KEPT)["documents"].sum())
        refused = part.filter(pl.col("reason").str.starts_with(REFUSED)).with_columns(
            pl.col("reason").str.strip_prefix(REFUSED)
        )
        if not unwanted:
            refused = refused.filter(~pl.col("reason").str.contains(UNWANTED))
        ordered = refused.sort("documents", "reason", descending=[True, False])
        by_source[str(source)] = read, dict(ordered.select("reason", "documents").iter_rows())
    return by_source


def _reasons(reasons: dict[str, int]) -> str:
    return _listed([f"{reason} ({count:,})" for reason, count in list(reasons.items())[:NAMED]], len(reasons))


def _listed(named: list[str], count: int) -> str:
    return ", ".join(named) + (f" and {count - len(named)} more" if count > len(named) else "")


def _enough(share: float) -> str:
    """The smallest share of two digits that is no less."""
    return f"{math.ceil(100 * share) / 100:g}"
