"""Rows of the catalog's tables about a pool, gathered from the stages that made it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from flows.catalog.schema import TABLES
from pipeline.label.versions import QUALITY, TOPIC, version_at
from pipeline.pool.parts import part_by_bucket
from pipeline.pool.pool import Pool
from pipeline.store.documents import scan
from pipeline.store.stage import read_stage

STEPS = (
    "read", "urls", "extract", "characters", "heuristics", "repetition", "c4", "fineweb", "language", "madlad",
    "modifiers", "pii", "removals", "exact_dedup", "near_dedup", "repeats", "decontaminate", "label",
)  # fmt: skip
TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "VARCHAR": pl.String, "JSON": pl.String, "BIGINT": pl.Int64,
    "INTEGER": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean, "TIMESTAMP": pl.Datetime("us"),
}  # fmt: skip


def funnel_rows(stages: Sequence[Path]) -> pl.DataFrame:
    """What each step kept and dropped, by source and reason, over all ranks of the stages that drop documents."""
    return (
        pl.concat([scan(stage, "funnel/*").collect() for stage in stages])
        .group_by("step", "source", "reason")
        .agg(pl.col("documents", "bytes_in", "bytes_out").sum())
        .with_columns(position=pl.col("step").replace_strict({step: i for i, step in enumerate(STEPS, 1)}))
        .sort("position", "source", "reason")
    )


def domain_rows(pool: Pool, full_tokens: Mapping[str, int | None]) -> pl.DataFrame:
    """The pool's domains. full_tokens: source → tokens of the corpus that it is a sample of, where that is stated."""
    available = pool.available(dict(full_tokens))
    rows = [
        {**domain.__dict__, "domain": name, "available_tokens": available[name], "natural_share": pool.natural[name]}
        for name, domain in pool.domains.items()
    ]
    return table_frame("domains", rows)


def bucket_rows(pool: Pool) -> pl.DataFrame:
    """The pool's quality buckets; those of a domain that is cut by quality under the names of its parts."""
    parts = pl.DataFrame(
        [(*place, part) for place, part in part_by_bucket(pool.manifest["files"]).items()],
        {"domain": pl.String, "bucket": pl.Int64, "part": pl.String}, orient="row",
    )  # fmt: skip
    return (
        scan(pool.tokenised, "pool")
        .join(parts.lazy(), on=["domain", "bucket"], how="left")
        .group_by(pl.col("part").alias("domain"), "bucket")
        .agg(
            pl.len().cast(pl.Int64).alias("documents"),
            pl.col("bytes", "tokens").sum(),
            lowest_quality=pl.col("quality").min(),
            highest_quality=pl.col("quality").max(),
        )
        .sort("domain", "bucket")
        .collect(engine="streaming")
    )


def cards(classify: Path) -> dict[str, pl.DataFrame]:
    """Cards of all versions whose stages are there; equal versions of two stages have equal cards."""
    tables = {}
    for table in ("models", "classifiers", "reliability"):
        files = [
            file
            for stage in ("classify", "agreement")
            for file in sorted(classify.parent.glob(f"{stage}-*/cards/{table}/*.parquet"))
        ]
        if not files:
            continue  # no classifier in this experiment
        frame = pl.concat([pl.read_parquet(file) for file in files])
        tables[table] = frame.unique(TABLES[table].key, keep="first", maintain_order=True).sort(TABLES[table].key)
    current = pl.col("version").is_in([version_at(classify, kind) for kind in (QUALITY, TOPIC)])
    return tables | {"models": tables["models"].with_columns(current=current)} if tables else {}


def lineage_rows(stages: dict[str, Path]) -> pl.DataFrame:
    """What each stage was made from."""
    pairs = {(folder.name, given) for folder in stages.values() for given in read_stage(folder)["inputs"]}
    return table_frame("lineage", [{"stage": stage, "input": given} for stage, given in sorted(pairs)])


def table_frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as the schema types them; fields that are no column are left out."""
    about = TABLES[table]
    schema = {name: TYPES[kind] for name, (kind, _) in about.columns.items() if name not in about.derived}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
