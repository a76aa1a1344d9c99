"""Turns finished work into immutable Parquet records, and remembers which of them are current.

`records/<table>/<id>.parquet` is written once and never changed; `current.json` lists, table by table, the
records that the experiment's present evidence consists of. Everything else on disk is older evidence. The
experiment as it was resolved, every default filled in, lies in `experiments/<id>.yaml`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.catalog.recommendation_rows import recommendation_rows
from flows.catalog.schema import TABLES, VERSION
from flows.experiment import Experiment
from mixes.recommendation.result import Recommendation
from mixes.recommendation.validation import Estimate, Validation
from mixes.swarm import Candidate
from pipeline.label.versions import QUALITY, TOPIC, version_at
from pipeline.pool.pool import Pool
from pipeline.read.sources import find_shards
from pipeline.store.documents import scan, write_parquet
from pipeline.store.stage import read_stage, write_aside
from pipeline.suite import suite_counts
from pipeline.train.checkpoint_scores import checkpoint_id
from pipeline.train.setup import Evidence

STEPS = (
    "read", "urls", "extract", "characters", "heuristics", "repetition", "c4", "fineweb", "language", "madlad",
    "modifiers", "pii", "removals", "exact_dedup", "near_dedup", "repeats", "decontaminate", "label",
)  # fmt: skip
FUNNELS = ("index", "filter", "clean", "label")  # stages that drop documents
READERS = ("index", "filter")  # stages that read shards
ABOUT_RECOMMENDATIONS = (
    "laws", "recommendations", "recommendation_weights", "recommendation_buckets", "predictions",
    "marginals", "cautions", "validations",
)  # fmt: skip
Current = dict[str, list[str]]  # table → record files, relative to the work folder
TYPES = {
    "VARCHAR": pl.String, "JSON": pl.String, "BIGINT": pl.Int64,
    "INTEGER": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean,
}  # fmt: skip


def read_current(experiment: Experiment) -> Current:
    """Current records; empty before the first flow has ended, or where another version's tables stand."""
    path = experiment.folder / "current.json"
    content = json.loads(path.read_bytes()) if path.exists() else {}
    return content.get("tables", {}) if content.get("schema_version") == VERSION else {}


def record_pool(experiment: Experiment, stages: dict[str, Path]) -> Current:
    """Sources, funnel, classifiers, domains, buckets, lineage: what the given stages (name → folder) hold."""
    last = list(stages.values())[-1].name
    funnels = [name for name in FUNNELS if name in stages]
    corpus = experiment.corpus
    shards = [shard.source for shard in find_shards(corpus.sources, corpus.base)]
    tables: dict[str, pl.DataFrame] = {
        "sources": _frame(
            "sources",
            [
                {
                    "source": name,
                    **source.model_dump(include={"format", "path", "full_tokens"}),
                    "shards": shards.count(name),
                }
                for name, source in sorted(corpus.sources.items())
            ],
        ),
        "funnel": pl.concat([scan(stages[name], "funnel/*").collect() for name in funnels])
        .group_by("step", "source", "reason")
        .agg(pl.col("documents", "bytes_in", "bytes_out").sum())
        .with_columns(position=pl.col("step").replace_strict({step: i for i, step in enumerate(STEPS, 1)}))
        .sort("position", "source", "reason"),
        **(_cards(stages["classify"]) if "classify" in stages else {}),
        "lineage": _lineage(stages),
    }
    files: Current = {
        "documents": [],
        "dropped": [f"stages/{stages[name].name}/dropped/*/*.parquet" for name in funnels],
        "refused": [f"stages/{stages[name].name}/refused/*.parquet" for name in READERS if name in stages],
    }
    if experiment.decontaminate.enabled and "clean" in stages:
        tables["checked_items"] = pl.read_parquet(stages["clean"] / "items" / "*.parquet")
        files["contaminated"] = [f"stages/{stages['clean'].name}/hits/*.parquet"]
    if "pool" in stages:
        tables |= _pool_tables(experiment, Pool(stages["pool"]))
        files |= {"documents": [f"stages/{stages['tokenise'].name}/pool/*.parquet"]}
    decided = {}
    if "deduplicate" in stages:
        decided["dedup"] = {"partitions": json.loads((stages["deduplicate"] / "partitions.json").read_bytes())}
    _write_resolved(experiment, decided)
    return _save(experiment, last, tables, files)


def _write_resolved(experiment: Experiment, decided: dict[str, dict[str, Any]]) -> None:
    """The experiment with every default filled in, and with what was decided once for all runs."""
    file = experiment.folder / "experiments" / f"{experiment.id}.yaml"
    resolved = yaml.safe_load(file.read_text()) if file.exists() else experiment.model_dump(mode="json")
    for section, chosen in decided.items():
        resolved[section] |= chosen
    write_aside(file, yaml.safe_dump(resolved, sort_keys=False).encode())


def _pool_tables(experiment: Experiment, pool: Pool) -> dict[str, pl.DataFrame]:
    available = pool.available({name: source.full_tokens for name, source in experiment.sources.items()})
    domains = [
        {**domain.__dict__, "domain": name, "available_tokens": available[name], "natural_share": pool.natural[name]}
        for name, domain in pool.domains.items()
    ]
    buckets = (
        scan(pool.tokenised, "pool")
        .group_by("domain", "bucket")
        .agg(
            pl.len().cast(pl.Int64).alias("documents"),
            pl.col("bytes", "tokens").sum(),
            lowest_quality=pl.col("quality").min(),
            highest_quality=pl.col("quality").max(),
        )
        .sort("domain", "bucket")
        .collect()
    )
    return {"domains": _frame("domains", domains), "buckets": buckets}


def record_swarm(
    experiment: Experiment, evidence: Evidence, candidates: list[Candidate], decided: dict[str, int]
) -> Current:
    """The suite, mixes, their weights, and the runs that were recorded as they ended; `decided`: how cohorts were
    made."""
    cohort = min(decided.get(name, sys.maxsize) for name in ("cohort", "most"))
    _write_resolved(experiment, {"proxy": {"cohort": cohort}} if cohort < sys.maxsize else {})
    counts = suite_counts(evidence.suite, Pool(evidence.pool).end_token, evidence.proxy.context).to_dicts()
    mixes = {candidate.mix: candidate for candidate in candidates}
    counted = [
        {"mix": mix, "round": one.round, "proxies": sum(c.mix == mix for c in candidates)} for mix, one in mixes.items()
    ]
    weights = [
        {"mix": mix, "domain": domain, "weight": candidate.weights[domain], "epochs": epochs}
        for mix, candidate in mixes.items()
        for domain, epochs in sorted(evidence.epochs(candidate.weights).items())
    ]
    runs = [evidence.run_id(candidate) for candidate in candidates]
    files = {table: [f"records/{table}/{run}.parquet" for run in runs] for table in ("runs", "scores", "items")}
    tables = {
        "suite": _frame("suite", counts),
        "mixes": _frame("mixes", counted),
        "mix_weights": _frame("mix_weights", weights),
    }
    checkpoint = checkpoint_id(evidence)
    files["checkpoint_scores"] = [f"records/checkpoint_scores/{checkpoint}.parquet"] if checkpoint else []
    if read_current(experiment).get("runs") != files["runs"]:  # older recommendations rest on other runs
        files |= {table: [] for table in ABOUT_RECOMMENDATIONS}
    return _save(experiment, evidence.suite.name + "-" + experiment.id, tables, files)


def record_recommendation(
    experiment: Experiment, recommendation: Recommendation, buckets: list[dict[str, Any]]
) -> Current:
    """A recommendation, its weights, buckets, predictions and laws; the latest gets the largest number."""
    current = read_current(experiment)
    number = 1 + len(current.get("recommendations", []))
    tables = {name: _frame(name, rows) for name, rows in recommendation_rows(recommendation, number, buckets).items()}
    name = f"{number:06d}-{recommendation.id}"
    older = {
        table: [file for file in current.get(table, []) if not file.endswith(f"-{recommendation.id}.parquet")]
        for table in tables
    }
    return _save(experiment, name, tables, older)


def record_validation(experiment: Experiment, validation: Validation) -> Current:
    """What a recommendation came to when it was trained anew; earlier validations stay."""
    head = {
        "validation": validation.id, "recommendation": validation.recommendation, "size": validation.size,
        "tokens": validation.tokens, "seeds": len(validation.seeds),
    }  # fmt: skip
    rows = [
        {
            **head, "name": name, **_ends("natural_bpb", row.natural), **_ends("uniform_bpb", row.uniform),
            **_ends("mix_bpb", row.recommended), "half_bpb": row.half.value, "quarter_bpb": row.quarter.value,
            **_ends("gain", row.gain), **_ends("predicted_gain", row.predicted), **_ends("multiplier", row.multiplier),
            "agreement": row.agreement, "verdict": row.verdict, "measured": row.measured, "came_true": row.came_true,
        }
        for name, row in validation.compared.items()
    ]  # fmt: skip
    older = [
        file
        for file in read_current(experiment).get("validations", [])
        if not file.endswith(f"{validation.id}.parquet")
    ]
    return _save(experiment, validation.id, {"validations": _frame("validations", rows)}, {"validations": older})


def _ends(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as the schema types them; fields that are no column are left out."""
    schema = {name: TYPES[kind] for name, (kind, _) in TABLES[table].columns.items()}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def _cards(classify: Path) -> dict[str, pl.DataFrame]:
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


def _lineage(stages: dict[str, Path]) -> pl.DataFrame:
    pairs = {(folder.name, given) for folder in stages.values() for given in read_stage(folder)["inputs"]}
    return _frame("lineage", [{"stage": stage, "input": given} for stage, given in sorted(pairs)])


def _save(experiment: Experiment, name: str, tables: dict[str, pl.DataFrame], files: Current) -> Current:
    """Write the tables' records and make them, added to `files`, the current ones."""
    current = {**read_current(experiment), **files}
    for table, frame in tables.items():
        write_parquet(frame, experiment.records / table / f"{name}.parquet")
        current[table] = [*files.get(table, []), f"records/{table}/{name}.parquet"]
    write_aside(
        experiment.folder / "current.json",
        json.dumps({"schema_version": VERSION, "tables": current}, indent=1).encode(),
    )
    return current
