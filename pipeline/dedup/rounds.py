"""Deduplication in three rounds, as OLMo 3 does it: equal texts, near duplicates, repeated passages.

Each round only finds; `pipeline/stages/clean.py` then drops and trims in one pass over the documents. A round leaves
out what an earlier one lost. Work is dealt over partitions of hashes, so that memory is bounded by a partition; no
round's outcome depends on how many there are.
"""

import math
from pathlib import Path

import polars as pl

from pipeline.dedup.address import Run, addressed
from pipeline.dedup.exact import FindEqual
from pipeline.dedup.near import find_near
from pipeline.dedup.repeats import find_repeats
from pipeline.dedup.settings import MOST_PARTITIONS, DedupSettings
from pipeline.store.documents import scan, write_parquet
from pipeline.store.files import rank_file

EXACT, NEAR, REPEATS = "exact_dedup", "near_dedup", "repeats"  # steps, as sources switch them off
PARTITION_BYTES = 1 << 30  # text whose hashes one partition holds (assumed)


def choose_partitions(filtered: Path, settings: DedupSettings) -> int:
    """As set, else one for every gigabyte of text."""
    size = scan(filtered, "documents").select(pl.col("bytes").sum()).collect().item()
    return settings.partitions or min(MOST_PARTITIONS, max(1, math.ceil(size / PARTITION_BYTES)))


def find_duplicates(
    filtered: Path, off: dict[str, frozenset[str]], settings: DedupSettings, partitions: int, folder: Path, run: Run
) -> None:
    """Run the rounds that are enabled: `exact/`, `near/` and `repeats/` in `folder`.

    Args:
        filtered: the stage whose `documents/` are compared.
        off: source → steps that it has switched off.
        settings: which rounds, and how.
        partitions: parts of the hashes.
        folder: of the stage.
        run: runs datatrove steps over ranks.
    """
    lost = []
    if settings.exact:
        run("exact", [FindEqual(filtered, _sources_off(off, EXACT), folder)], partitions)
        lost.append(folder / "exact")
    if settings.near.enabled:
        find_near(filtered, [*lost, *_set_aside(filtered, off, NEAR, folder)], settings.near, partitions, folder, run)
        lost.append(folder / "near")
    if settings.repeats.enabled:
        aside = _set_aside(filtered, off, REPEATS, folder)
        find_repeats(filtered, [*lost, *aside], settings.repeats, partitions, folder, run)


def _sources_off(off: dict[str, frozenset[str]], step: str) -> list[str]:
    return sorted(source for source, steps in off.items() if step in steps)


def _set_aside(filtered: Path, off: dict[str, frozenset[str]], step: str, folder: Path) -> list[Path]:
    """A folder that lists the documents whose sources switch a step off; none where no source does."""
    sources = _sources_off(off, step)
    if not sources:
        return []
    rows = addressed(filtered).filter(pl.col("source").is_in(sources)).select("file", "row")
    write_parquet(rows.collect(engine="streaming"), rank_file(folder / f"aside_{step}", 0))
    return [folder / f"aside_{step}"]
