"""How far each domain moved between two pools: the tokens of documents that came or went."""

from collections.abc import Mapping

import polars as pl

from mixes.recommendation.refreshed import Moved
from mixes.reuse.identity import compare_domains
from pipeline.pool.pool import TRAIN, Pool


def moved_domains(earlier: Mapping[str, str], now: Mapping[str, str], before: Pool | None, pool: Pool) -> list[Moved]:
    """The domains that moved, those that moved most first.

    earlier, now: domain → content. before: the earlier pool; None where it is gone, so that a changed domain counts as
    moved whole.
    """
    origins = compare_domains(earlier, now)
    had = {name: domain.tokens for name, domain in before.domains.items()} if before else {}
    has = {name: domain.tokens for name, domain in pool.domains.items()}
    changed = [name for name, origin in origins.items() if origin.fate == "changed"]
    shares = _shares(before, pool, changed) if before else dict.fromkeys(changed, 1.0)
    rows = [
        Moved(
            name,
            origin.fate,
            sum(had.get(one, 0) for one in origin.earlier),
            has[name],
            shares.get(name, 1.0 if origin.fate == "added" else 0.0),
        )
        for name, origin in origins.items()
        if origin.fate != "same"
    ]
    gone = set(earlier) - {one for origin in origins.values() for one in origin.earlier}
    rows += [Moved(name, "removed", had.get(name, 0), 0, 1.0) for name in gone]
    return sorted(rows, key=lambda row: (-row.share, row.domain))


def _shares(before: Pool, pool: Pool, domains: list[str]) -> dict[str, float]:
    """Domain → share of its tokens that came or went, by the documents' ids."""
    both = _documents(before, domains).join(
        _documents(pool, domains), on=["domain", "id"], how="full", coalesce=True, suffix="_now"
    )
    counted = both.group_by("domain").agg(
        had=pl.col("tokens").sum(),
        has=pl.col("tokens_now").sum(),
        kept=pl.min_horizontal("tokens", "tokens_now")
        .filter(pl.col("tokens").is_not_null() & pl.col("tokens_now").is_not_null())
        .sum(),
    )
    rows = counted.collect(engine="streaming")
    return {name: 1 - kept / max(had, has, 1) for name, had, has, kept in rows.iter_rows()}


def _documents(pool: Pool, domains: list[str]) -> pl.LazyFrame:
    files = pool.tokenised / "pool" / "*.parquet"
    read = pl.scan_parquet(files).filter(pl.col("domain").is_in(domains) & (pl.col("split") == TRAIN))
    return read.select("domain", "id", "tokens")
