"""Rows of earlier runs, as the swarm that keeps them as evidence has them."""

import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mixes.swarm import Candidate
from pipeline.train.records import read_record


def earlier_rows(candidates: Sequence[Candidate], records: Path) -> pl.DataFrame | None:
    """The recorded row of each run with today's name and weights of its mix, and a seed that no other pool's runs have;
    None without candidates.

    Raises:
        MixError: a record is damaged.
    """
    frames = [
        read_record(records / "runs" / f"{candidate.run}.parquet").with_columns(
            mix=pl.lit(candidate.mix), seed=pl.lit(candidate.seed), weights=pl.lit(json.dumps(dict(candidate.weights)))
        )
        for candidate in candidates
    ]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None
