"""Tokens that a running training has already seen: those of the blends that were written for it."""

import polars as pl

from flows.catalog.current import BLENDS
from flows.experiment import Experiment
from pipeline.store.seal import is_whole_table


def seen_tokens(experiment: Experiment, recommendation: str) -> dict[str, float]:
    """Domain → tokens of the latest blend of a recommendation and of those that it goes on from; empty without one."""
    blends, domains = (_rows(experiment, table) for table in BLENDS)
    if blends is None or domains is None:
        return {}
    own = blends.filter(pl.col("recommendation") == recommendation)
    chain: list[str] = []
    last = own["blend"][-1] if len(own) else None
    after = dict(blends.select("blend", "after").iter_rows())
    while last and last not in chain:
        chain.append(last)
        last = after.get(last)
    rows = domains.filter(pl.col("blend").is_in(chain)).group_by("domain").agg(pl.col("tokens").sum())
    return {name: float(tokens) for name, tokens in rows.sort("domain").iter_rows()}


def _rows(experiment: Experiment, table: str) -> pl.DataFrame | None:
    """Records of all pools, the oldest first."""
    files = sorted((experiment.records / table).glob("*/*.parquet"), key=lambda file: file.stat().st_mtime_ns)
    frames = [pl.read_parquet(file) for file in files if is_whole_table(file)]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None
