"""Anyone's swarm: a table of mixes and a table of scores, joined by key into runs.

Olmix writes both with the columns run, name and index (arXiv 2602.12237), RegMix with index (arXiv 2407.01492);
every other numeric column is a domain, or a metric. What can be repaired is repaired and noted. What is doubtful
is refused, and the message names the row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.runs import Runs
from mixes.tables.columns import number_columns, numbers_only, score_columns
from mixes.tables.families import Families, meanings_of
from mixes.tables.keys import Table, check_same_keys, listed, rows_by_key, shared_key
from mixes.tables.metrics import UNITS, Metric, Stated, metric_of
from mixes.tables.sizes import sizes_by_key, without_sizes
from mixes.tables.weights import ROUNDING, Rows, weights_of

SEED = "seed"  # column of whole numbers: what a proxy was trained with, and neither a domain nor a task
SAME = 9  # decimals in which the weights of one mix agree


@dataclass(frozen=True)
class ScoredSwarm:
    """Runs of a swarm, with the meaning of their metrics and notes on what was ignored or repaired."""

    runs: Runs
    metrics: Mapping[str, Metric]  # task → meaning; the scores in `runs` are turned so that lower is better
    key: str  # column that joined the tables
    notes: tuple[str, ...]
    seeds: Mapping[str, int] = field(default_factory=dict)  # run → its proxy's seed, where the mixes' table says it


def join_tables(
    ratios: Table,
    metrics: Table,
    families: Families | None = None,
    declared: Mapping[str, Stated] | None = None,
    *,
    unit: Stated | None = None,
    rescale: bool = False,
) -> ScoredSwarm:
    """The runs of a swarm.

    families: how metrics are grouped, and their units and directions; None makes each metric its own family.
    declared: metric → what the result files themselves state about it.
    unit: what all metrics count that neither `families` nor the result files say more about.
    rescale: whether mixes that do not sum to one are scaled to it.

    Raises:
        MixError: keys, weights, scores or directions that are missing or doubtful.
    """
    ratios, sizes, notes_on_sizes = without_sizes(_run_is_run_id(ratios))
    metrics, sizes_of_metrics, more = without_sizes(_run_is_run_id(metrics))
    ratios, metrics = numbers_only(ratios), numbers_only(metrics)
    ratios, seeds, notes_on_seeds = _without_seeds(ratios)
    metrics, _, _ = _without_seeds(metrics)
    columns, notes_on_domains = number_columns(ratios)
    tasks, notes_on_tasks = _tasks(metrics, families, declared or {})
    key, notes = shared_key(ratios, metrics)
    left, right = rows_by_key(ratios, key), rows_by_key(metrics, key)
    check_same_keys(key, ratios.name, left, metrics.name, right)
    ids = sorted(left)
    domains, weights, repaired = weights_of(Rows(ratios, key, [left[name] for name in ids], ids), columns, rescale)
    scores = _scores(Rows(metrics, key, [right[name] for name in ids], ids), tasks)
    _not_the_same_columns(ratios.name, metrics.name, domains, tasks, weights, scores)
    default, notes_on_unit = _default(unit, families)
    meanings = meanings_of(tasks, families, _told(declared or {}, default))
    meaning_of = {
        task: metric_of(task, line, *meanings[task], default) for task, line in zip(tasks, scores, strict=True)
    }
    turned = np.array([meaning_of[task].turned(line) for task, line in zip(tasks, scores, strict=True)])
    size_of = sizes_by_key(key, (ratios.name, sizes, left), (metrics.name, sizes_of_metrics, right))
    runs = Runs.from_arrays(ids, mix_names(domains, weights), domains, tasks, weights, turned, size_of)
    if len(set(runs.mixes)) < 2:
        raise MixError(f"{ratios.name}: all {len(ids)} runs have one mix — a swarm needs different ones")
    seed_of = {name: seeds[left[name]] for name in ids} if seeds else {}
    notes_on_columns = (*notes_on_seeds, *(notes_on_sizes or more), *notes_on_domains, *notes_on_tasks)
    all_notes = (*notes, *notes_on_columns, *notes_on_unit, *repaired)
    return ScoredSwarm(runs, meaning_of, key, all_notes, seed_of)


def _default(unit: Stated | None, families: Families | None) -> tuple[Stated | None, list[str]]:
    """What is stated of all metrics, as asked or else by the families file, and a note where the two differ."""
    in_file = families.default if families else Stated()
    if unit and in_file not in (Stated(), unit):
        return unit, [f"`unit` {unit.unit} replaces what the families file states of all metrics"]
    stated = unit or in_file
    return None if stated == Stated() else stated, []


def _told(declared: Mapping[str, Stated], default: Stated | None) -> Mapping[str, Stated]:
    """What result files state about metrics. Of a score without a known unit, a default says more than its name."""
    if default is None:
        return declared
    return {task: stated for task, stated in declared.items() if stated.direction or stated.unit in UNITS}


def _tasks(metrics: Table, families: Families | None, declared: Mapping[str, Stated]) -> tuple[list[str], list[str]]:
    """The metrics that count, and notes on the other columns."""
    columns, notes_on_text = number_columns(metrics)
    named = {*declared, *(families.names if families else ())}
    tasks, notes_on_names = score_columns(metrics.name, columns, named)
    tasks, notes_on_families = _without_left_out(tasks, families)
    return tasks, [*notes_on_text, *notes_on_names, *notes_on_families]


def _run_is_run_id(table: Table) -> Table:
    """Rename the key run_id to run: Olmix's files have either."""
    columns = table.frame.columns
    return (
        Table(table.name, table.frame.rename({"run_id": "run"}))
        if "run_id" in columns and "run" not in columns
        else table
    )


def _without_seeds(table: Table) -> tuple[Table, list[int], list[str]]:
    """The table without the column SEED; the seeds by row, and a note. A column of other numbers stays."""
    frame = table.frame
    if SEED not in frame.columns:
        return table, [], []
    seeds = frame[SEED].cast(pl.Float64, strict=False)
    if seeds.null_count() or not ((seeds >= 0) & (seeds == seeds.round())).all():
        return table, [], []
    note = f"{table.name}: column {SEED!r} holds the seeds of the proxies"
    return Table(table.name, frame.drop(SEED)), [int(seed) for seed in seeds], [note]


def _without_left_out(tasks: list[str], families: Families | None) -> tuple[list[str], list[str]]:
    """Tasks that the families do not leave out; notes on the others, and on names that match nothing."""
    if families is None:
        return tasks, []
    left_out, idle = families.left_out(tasks), families.idle(tasks)
    kept = [task for task in tasks if task not in left_out]
    if not kept:
        raise MixError(f"families: leave_out names every metric ({listed(left_out)}) — leave one in")
    notes = [f"left out, as families say: {', '.join(left_out)}"] if left_out else []
    notes += [f"families: {listed(idle)} match no metric"] if idle else []
    return kept, notes


def mix_names(domains: Sequence[str], weights: np.ndarray) -> list[str]:
    """A name for each row of weights (n, n_domains), by content: equal weights have equal names."""
    order = np.argsort(np.array(domains))
    return ["mix-" + short_hash((row[order].round(SAME) + 0.0).tobytes()) for row in weights]


def _scores(rows: Rows, tasks: list[str]) -> np.ndarray:
    """(n_tasks, n_runs) scores, each of which varies."""
    scores = rows.numbers(tasks, "score").T
    flat = [task for task, line in zip(tasks, scores, strict=True) if len(line) > 1 and np.ptp(line) == 0]
    if flat:
        value = scores[tasks.index(flat[0])][0]
        raise MixError(f"{rows.table.name}: {listed(flat)} has the same score in every run ({value:g}) — take it out")
    return scores


def _not_the_same_columns(
    first: str, second: str, domains: list[str], tasks: list[str], weights: np.ndarray, scores: np.ndarray
) -> None:
    """Refuse a domain and a metric that share a name and their numbers."""
    for name in set(domains) & set(tasks):
        if np.abs(weights[:, domains.index(name)] - scores[tasks.index(name)]).max() <= ROUNDING:
            raise MixError(f"column {name!r} of {second} holds the weights of {first} — take it out")
