"""Turns finished work into immutable Parquet records, and shows those that belong together in the catalog.

`records/<table>/<id>.parquet` is written once and never changed; flows/catalog/current.py says which of them a catalog
shows. Everything else on disk is older evidence. The experiment as it was resolved, every default filled in, lies in
`experiments/<id>.yaml`.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flows.catalog.current import (
    ABOUT_RECOMMENDATIONS,
    BLENDS,
    LOCK,
    REFRESHES,
    VALIDATIONS,
    Current,
    Index,
    last_number,
    numbered,
    read_index,
    with_pool,
    with_swarm,
    write_index,
)
from flows.catalog.earlier_rows import earlier_rows
from flows.catalog.outcome_rows import blend_rows, refresh_row, validation_rows
from flows.catalog.pool_rows import bucket_rows, cards, domain_rows, funnel_rows, lineage_rows, table_frame
from flows.catalog.recommendation_rows import recommendation_rows
from flows.catalog.schema import TABLES
from flows.catalog.up_to_date import bring_up_to_date
from flows.experiment import Experiment
from flows.show.progress import note
from mixes.recommendation.refreshed import Refreshed
from mixes.recommendation.result import Recommendation
from mixes.recommendation.validation import Validation
from mixes.show.secrets import MASK, masked_all
from mixes.swarm import Candidate
from pipeline.blend.manifest import Manifest
from pipeline.pool.pool import Pool
from pipeline.read.sources import find_shards
from pipeline.store.documents import write_parquet
from pipeline.store.lock import locked
from pipeline.store.seal import is_whole_table
from pipeline.store.writing import unless_read_only, write_aside
from pipeline.suite import suite_counts
from pipeline.train.checkpoint_scores import checkpoint_id
from pipeline.train.setup import Evidence

EARLIER = "earlier_runs"  # records of runs as a later swarm has them: its mixes' names and weights, seeds of their own
FUNNELS = ("index", "filter", "clean", "label")  # stages that drop documents
READERS = ("index", "filter")  # stages that read shards


SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where PyYAML has it: ten times as fast
say = partial(note, "records")


def record_pool(experiment: Experiment, stages: dict[str, Path]) -> None:
    """Sources, funnel, classifiers, domains, buckets, lineage: what the given stages (name → folder) hold."""
    pool = list(stages.values())[-1].name
    funnels = [name for name in FUNNELS if name in stages]
    corpus = experiment.corpus
    shards = [shard.source for shard in find_shards(corpus.sources, corpus.base)]
    tables: dict[str, pl.DataFrame] = {
        "sources": table_frame(
            "sources",
            [
                {
                    "source": name,
                    **masked_all(source.model_dump(include={"format", "path", "full_tokens"})),
                    "shards": shards.count(name),
                }
                for name, source in sorted(corpus.sources.items())
            ],
        ),
        "funnel": _once(experiment, "funnel", pool, lambda: funnel_rows([stages[name] for name in funnels])),
        **(cards(stages["classify"]) if "classify" in stages else {}),
        "lineage": lineage_rows(stages),
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
        whole = Pool(stages["pool"])
        full_tokens = {name: source.full_tokens for name, source in experiment.sources.items()}
        tables |= {
            "domains": domain_rows(whole, full_tokens),
            "buckets": _once(experiment, "buckets", pool, lambda: bucket_rows(whole)),
        }
        files |= {"documents": [f"stages/{stages['tokenise'].name}/pool/*.parquet"]}
    decided = {}
    if "deduplicate" in stages:
        decided["dedup"] = {"partitions": json.loads((stages["deduplicate"] / "partitions.json").read_bytes())}

    def write(index: Index) -> None:
        _write_resolved(experiment, decided)
        write_index(experiment.folder, with_pool(index, pool, files | _written(experiment, pool, tables)))

    _record(experiment, write, pool)


def _once(experiment: Experiment, table: str, pool: str, gather: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Rows that follow from a pool's name alone: as they were recorded, else gathered from the files of all ranks,
    which takes minutes where there are 100,000."""
    file = experiment.records / table / f"{pool}.parquet"
    recorded = pl.read_parquet(file) if is_whole_table(file) else None
    return recorded if recorded is not None and set(recorded.columns) == set(TABLES[table].columns) else gather()


def _write_resolved(experiment: Experiment, decided: dict[str, dict[str, Any]]) -> None:
    """The experiment with every default filled in, and with what was decided once for all runs."""
    file = experiment.folder / "experiments" / f"{experiment.id}.yaml"
    resolved = masked_all(experiment.model_dump(mode="json"))
    resolved["deploy"]["env"] = {
        name: value if value.startswith("{{") else MASK for name, value in resolved["deploy"]["env"].items()
    }
    try:
        before = yaml.load(file.read_text(), SafeLoader)  # noqa: S506
        if before.keys() == resolved.keys():
            if not decided:
                return
            resolved = before
    except (OSError, ValueError, yaml.YAMLError, AttributeError):  # not there, or damaged
        pass
    for section, chosen in decided.items():
        resolved[section] |= chosen
    write_aside(file, yaml.safe_dump(resolved, sort_keys=False).encode())


def record_swarm(
    experiment: Experiment, evidence: Evidence, candidates: list[Candidate], decided: dict[str, int]
) -> None:
    """The suite, mixes, their weights, and the runs that were recorded as they ended; `decided`: how cohorts were
    made."""
    cohort = min(decided.get(name, sys.maxsize) for name in ("cohort", "most"))
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
    files = {table: [f"records/{table}/{run}.parquet" for run in runs] for table in ("scores", "items")}
    files["runs"] = [
        f"records/runs/{evidence.run_id(candidate)}.parquet" for candidate in candidates if not candidate.run
    ]
    tables = {
        "suite": table_frame("suite", counts),
        "mixes": table_frame("mixes", counted),
        "mix_weights": table_frame("mix_weights", weights),
    }
    checkpoint = checkpoint_id(evidence)
    files["checkpoint_scores"] = [f"records/checkpoint_scores/{checkpoint}.parquet"] if checkpoint else []
    swarm, pool = evidence.runs_hash(candidates), evidence.pool.name

    earlier = earlier_rows([candidate for candidate in candidates if candidate.run], experiment.records)

    def write(index: Index) -> None:
        _write_resolved(experiment, {"proxy": {"cohort": cohort}} if cohort < sys.maxsize else {})
        written = _written(experiment, f"{evidence.suite.name}-{experiment.id}", tables)
        if earlier is not None:
            files["runs"] += _written(experiment, swarm, {EARLIER: earlier})[EARLIER]
        write_index(experiment.folder, with_swarm(index, pool, swarm, files | written))

    _record(experiment, write, pool, swarm)


def record_recommendation(
    experiment: Experiment, pool: str, swarm: str, recommendation: Recommendation, buckets: list[dict[str, Any]]
) -> None:
    """A recommendation, its weights, buckets, predictions and laws; the latest gets the largest number.

    When it was recorded is in no id and in no stage's hash.
    """
    folder = experiment.folder
    asked = {name: getattr(experiment, name) for name in ("recommend", "upsampling")}
    settings = {name: section.model_dump(mode="json") if section else None for name, section in asked.items()}

    def write(_index: Index) -> None:
        names = numbered(folder, swarm, say)
        if recommendation.id in list(names)[-1:]:
            return  # asked again, and still the latest
        number = 1 + last_number(folder, swarm)
        rows = recommendation_rows(recommendation, number, datetime.now(UTC), settings, buckets)
        frames = {table: table_frame(table, rows[table]) for table in ABOUT_RECOMMENDATIONS}
        _written(experiment, f"{swarm}/{number:06d}-{recommendation.id}", frames)
        if recommendation.id in names:  # asked again: now it is the latest
            for table in reversed(ABOUT_RECOMMENDATIONS):
                (experiment.records / table / swarm / f"{names[recommendation.id]}.parquet").unlink(missing_ok=True)

    _record(experiment, write, pool, swarm)


def record_validation(experiment: Experiment, pool: str, swarm: str, validation: Validation) -> None:
    """What a recommendation came to when it was trained anew; earlier validations stay."""
    rows = validation_rows(validation)

    def write(_index: Index) -> None:
        _written(experiment, f"{swarm}/{validation.id}", {VALIDATIONS: table_frame(VALIDATIONS, rows)})

    _record(experiment, write, pool, swarm)


def record_blend(experiment: Experiment, manifest: Manifest, folder: Path) -> None:
    """A training set that was written from the pool."""
    rows = blend_rows(manifest, folder)

    def write(_index: Index) -> None:
        tables = {table: table_frame(table, rows[table]) for table in BLENDS}
        _written(experiment, f"{manifest.pool}/{manifest.id}", tables)

    _record(experiment, write, manifest.pool)


def record_refresh(experiment: Experiment, done: Refreshed) -> None:
    """What a look at the sources found; earlier ones stay."""

    def write(_index: Index) -> None:
        known = sorted((experiment.records / REFRESHES).glob("*.parquet"))
        number = 1 + (int(known[-1].stem) if known else 0)
        row = refresh_row(done, number, datetime.now(UTC))
        write_parquet(table_frame(REFRESHES, [row]), experiment.records / REFRESHES / f"{number:06d}.parquet")

    _record(experiment, write, done.pool)


def _record(experiment: Experiment, write: Callable[[Index], None], pool: str, swarm: str | None = None) -> None:
    """Let `write` add records while nobody else does; then the catalog shows them, with the pool and the swarm.

    Where nothing can be written, nothing is recorded; the answer is printed anyway.
    """
    folder = experiment.folder
    with unless_read_only(lambda line: say(f"{line}: nothing is recorded")):
        with locked(folder / LOCK):
            write(read_index(folder, say))
            _write_resolved(experiment, {})
        bring_up_to_date(experiment, pool, swarm, say)


def _written(experiment: Experiment, name: str, tables: dict[str, pl.DataFrame]) -> Current:
    """Write the tables' records, in their order; returns where they are."""
    for table, frame in tables.items():
        write_parquet(frame, experiment.records / table / f"{name}.parquet")
    return {table: [f"records/{table}/{name}.parquet"] for table in tables}
