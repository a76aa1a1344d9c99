"""Anyone's swarm: a table of mixes and a table of scores, joined by key into runs.

Olmix writes both with the columns run, name and index (arXiv 2602.12237), RegMix with index (arXiv 2407.01492);
every other numeric column is a domain, or a metric. What can be repaired is repaired and noted. What is doubtful
is refused, and the message names the row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from mixes.errors import MixError
from mixes.hashes import short_hash
from mixes.runs import SUM_TOLERANCE, Runs
from mixes.tables.families import Families
from mixes.tables.keys import KEYS, Table, check_same_keys, listed, rows_by_key, shared_key
from mixes.tables.metrics import Metric, Stated, metric_of
from mixes.tables.sizes import sizes_by_key, without_sizes

ROW_NUMBERS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")  # what pandas adds on its own
# Columns that say how uncertain another one is, and words that do so only beside that other one.
ERROR = re.compile(
    r"(?i)(?:^|[^a-z])(?:std_?err(?:or)?|standard_error|conf_?int|ci_?(?:95_?)?(?:low|high|lower|upper))(?:[^a-z]|$)"
)
SPREAD = re.compile(r"(?i)[_/. -](?:se|sem|std|stdev|sd|var|err|error|ci|low|high|lower|upper|n)(?=,|$)")
PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
COMMA = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
WRITTEN = re.compile(  # a number, whatever separates its digits and follows it
    r"[-+]?\d[\d.,'\u2019\u00a0\u202f ]*(?:[eE][-+]?\d+)?\s*"
    r"(?:%|\u2030|[a-zA-Z]{2,12}(?:/[a-zA-Z]{1,12})?|±.{1,20}|\([^()]{1,20}\))?"
)
ROUNDING = 0.01  # how far weights may sum from 1; RegMix's three decimals reach 0.003
EXACT = 1e-9  # a sum this close to 1 was not rounded
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
    ratios: Table, metrics: Table, families: Families | None = None, declared: Mapping[str, Stated] | None = None
) -> ScoredSwarm:
    """The runs of a swarm.

    families: how metrics are grouped, and their units and directions; None makes each metric its own family.
    declared: metric → what the result files themselves state about it.

    Raises:
        MixError: keys, weights, scores or directions that are missing or doubtful.
    """
    ratios, metrics = _run_is_run_id(ratios), _run_is_run_id(metrics)
    ratios, seeds, notes_on_seeds = _without_seeds(ratios)
    metrics, _, _ = _without_seeds(metrics)
    ratios, sizes, notes_on_sizes = without_sizes(ratios)
    metrics, sizes_of_metrics, more = without_sizes(metrics)
    domains, notes_on_domains = number_columns(ratios)
    columns, notes_on_tasks = number_columns(metrics)
    tasks, notes_on_errors = _without_errors(metrics.name, columns)
    tasks, notes_on_families = _without_left_out(tasks, families)
    key, notes = shared_key(ratios, metrics)
    left, right = rows_by_key(ratios, key), rows_by_key(metrics, key)
    check_same_keys(key, ratios.name, left, metrics.name, right)
    ids = sorted(left)
    weights, repaired = _weights(ratios, key, domains, [left[name] for name in ids], ids)
    scores = _scores(metrics, key, tasks, [right[name] for name in ids], ids)
    _not_the_same_columns(ratios.name, metrics.name, domains, tasks, weights, scores)
    meanings = families.of(tasks, declared or {}) if families else {t: (None, (declared or {}).get(t)) for t in tasks}
    meaning_of = {task: metric_of(task, line, *meanings[task]) for task, line in zip(tasks, scores, strict=True)}
    turned = np.array([meaning_of[task].turned(line) for task, line in zip(tasks, scores, strict=True)])
    size_of = sizes_by_key(key, (ratios.name, sizes, left), (metrics.name, sizes_of_metrics, right))
    runs = Runs.from_arrays(ids, mix_names(domains, weights), domains, tasks, weights, turned, size_of)
    if len(set(runs.mixes)) < 2:
        raise MixError(f"{ratios.name}: all {len(ids)} runs have one mix — a swarm needs different ones")
    seed_of = {name: seeds[left[name]] for name in ids} if seeds else {}
    all_notes = (
        *notes,
        *notes_on_seeds,
        *(notes_on_sizes or more),
        *notes_on_domains,
        *notes_on_tasks,
        *notes_on_errors,
        *notes_on_families,
        *repaired,
    )
    return ScoredSwarm(runs, meaning_of, key, all_notes, seed_of)


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


def number_columns(table: Table) -> tuple[list[str], list[str]]:
    """Columns of numbers that are no key, sorted, and a note on each other column.

    Raises:
        MixError: there are none, or a column holds numbers and other things.
    """
    names, notes = [], []
    for name, kind in table.frame.schema.items():
        if name in KEYS or ROW_NUMBERS.fullmatch(name):
            continue
        if kind.is_numeric():
            names.append(name)
            continue
        if kind == pl.String:
            _not_half_a_number(table, name)
        notes.append(f"{table.name}: column {name!r} holds no numbers and is ignored")
    if not len(table.frame):
        raise MixError(f"{table.name}: holds no rows")
    if not names:
        raise MixError(f"{table.name}: no column holds numbers (it has {listed(table.frame.columns)})")
    return sorted(names), notes


def _without_errors(table: str, columns: list[str]) -> tuple[list[str], list[str]]:
    """Columns that hold scores, and a note on those that say how uncertain a score is."""
    errors = [name for name in columns if _is_error(name, columns)]
    tasks = [name for name in columns if name not in errors]
    if not tasks:
        raise MixError(f"{table}: every column of numbers is an error of a score ({listed(errors)}) — add the scores")
    return tasks, [f"{table}: {listed(errors)} hold errors of scores and are ignored"] if errors else []


def _without_left_out(tasks: list[str], families: Families | None) -> tuple[list[str], list[str]]:
    """Tasks that the families do not leave out; notes on the others, and on globs that match nothing."""
    if families is None:
        return tasks, []
    left_out, idle = families.left_out(tasks), families.idle_globs(tasks)
    kept = [task for task in tasks if task not in left_out]
    if not kept:
        raise MixError(f"families: leave_out names every metric ({listed(left_out)}) — leave one in")
    notes = [f"left out, as families say: {', '.join(left_out)}"] if left_out else []
    notes += [f"families: {listed(idle)} match no metric"] if idle else []
    return kept, notes


def _is_error(name: str, columns: list[str]) -> bool:
    """Whether a column is called an error, or bears the name of another one and a word for its spread."""
    if ERROR.search(name):
        return True
    spread = SPREAD.search(name)
    return spread is not None and (name[: spread.start()] + name[spread.end() :]) in columns


def mix_names(domains: Sequence[str], weights: np.ndarray) -> list[str]:
    """A name for each row of weights (n, n_domains), by content: equal weights have equal names."""
    order = np.argsort(np.array(domains))
    return ["mix-" + short_hash((row[order].round(SAME) + 0.0).tobytes()) for row in weights]


def _weights(
    table: Table, key: str, domains: list[str], rows: list[int], ids: list[str]
) -> tuple[np.ndarray, list[str]]:
    """(n_runs, n_domains) weights that sum to one, and a note if they had to be scaled."""
    weights = _numbers(table, key, domains, rows, ids, "weight")
    where = _Where(table.name, key, rows, ids)
    if (weights < 0).any():
        i, d = np.argwhere(weights < 0)[0]
        raise MixError(f"{where(i)}: weight of {domains[d]!r} is {weights[i, d]:g} — weights are 0 or more")
    sums = weights.sum(axis=1)
    if (np.abs(sums / 100 - 1) <= ROUNDING).all():
        raise MixError(f"{table.name}: weights sum to 100, so they are percentages — divide them by 100")
    wrong = np.abs(sums - 1) > ROUNDING + EXACT
    if wrong.any():
        i = int(wrong.argmax())
        raise MixError(
            f"{where(i)}: weights sum to {sums[i]:.6g}, not to 1 within {ROUNDING} "
            f"({wrong.sum()} of {len(ids)} rows){_culprit(domains, weights, sums)}"
        )
    notes = [f"{table.name}: weight of {name!r} is 0 in every mix" for name in _never(domains, weights)]
    if (np.abs(sums - 1) > EXACT).any():
        weights = weights / sums[:, None]
    if (np.abs(sums - 1) > SUM_TOLERANCE).any():
        notes.append(
            f"{table.name}: weights summed to {sums.min():.6g} … {sums.max():.6g} and were scaled to 1 "
            f"(rounding of up to {ROUNDING} is repaired)"
        )
    return weights, notes


def _culprit(domains: list[str], weights: np.ndarray, sums: np.ndarray) -> str:
    """The one column without which the weights would sum to one, if there is one."""
    rests = np.abs(sums[:, None] - weights - 1).max(axis=0)
    alone = int(rests.argmin())
    if rests[alone] > ROUNDING or len(domains) < 3:
        return " — check the row"
    return f" — without column {domains[alone]!r} they would: it seems to be no domain, take it out"


def _never(domains: list[str], weights: np.ndarray) -> list[str]:
    return [name for name, largest in zip(domains, weights.max(axis=0), strict=True) if largest == 0]


def _scores(table: Table, key: str, tasks: list[str], rows: list[int], ids: list[str]) -> np.ndarray:
    """(n_tasks, n_runs) scores, each of which varies."""
    scores = _numbers(table, key, tasks, rows, ids, "score").T
    flat = [task for task, line in zip(tasks, scores, strict=True) if len(line) > 1 and np.ptp(line) == 0]
    if flat:
        value = scores[tasks.index(flat[0])][0]
        raise MixError(f"{table.name}: {listed(flat)} has the same score in every run ({value:g}) — take it out")
    return scores


def _numbers(table: Table, key: str, names: list[str], rows: list[int], ids: list[str], what: str) -> np.ndarray:
    """(n_rows, n_names) finite numbers."""
    frame = table.frame.select(pl.col(names).cast(pl.Float64))
    holes = [name for name, count in frame.null_count().to_dicts()[0].items() if count]
    where = _Where(table.name, key, rows, ids)
    if holes:
        i = next(i for i, row in enumerate(rows) if frame[holes[0]][row] is None)
        fix = "write 0 if it was not in the mix" if what == "weight" else "score it, or leave the run out of both files"
        raise MixError(f"{where(i)}: {what} of {holes[0]!r} is missing — {fix}")
    values = frame.to_numpy()
    values = values if rows == list(range(len(rows))) else values[rows]
    if not np.isfinite(values).all():
        i, j = np.argwhere(~np.isfinite(values))[0]
        raise MixError(f"{where(i)}: {what} of {names[j]!r} is {values[i, j]} — leave the run out of both files")
    return values


@dataclass(frozen=True)
class _Where:
    """The name of a row in a message."""

    name: str
    key: str
    rows: list[int]
    ids: list[str]

    def __call__(self, i: int) -> str:
        return f"{self.name}: row {self.rows[i] + 1} ({self.key} {self.ids[i]!r})"


def _not_half_a_number(table: Table, name: str) -> None:
    """Refuse a column of numbers with a word among them, or written in a way that is not read; text is fine."""
    column = table.frame[name]
    written = [(row, cell.strip()) for row, cell in enumerate(column.to_list()) if cell and cell.strip()]
    if written and all(WRITTEN.fullmatch(cell) for _, cell in written):
        row, cell = next((row, cell) for row, cell in written if not PLAIN.fullmatch(cell))
        fix = "write a point for the decimal comma" if COMMA.fullmatch(cell) else "write bare numbers, without units"
        raise MixError(f"{table.name}: row {row + 1}, column {name!r} is {cell[:40]!r}, which is no number — {fix}")
    numbers = column.cast(pl.Float64, strict=False).is_not_null()
    if numbers.any():
        row = int((~numbers).arg_max() or 0)
        value = column[row]
        problem = "is empty" if value is None else f"is {value!r}, which is no number"
        raise MixError(f"{table.name}: row {row + 1}, column {name!r} {problem} — mend it, or take the column out")


def _not_the_same_columns(
    first: str, second: str, domains: list[str], tasks: list[str], weights: np.ndarray, scores: np.ndarray
) -> None:
    """Refuse a domain and a metric that share a name and their numbers."""
    for name in set(domains) & set(tasks):
        if np.abs(weights[:, domains.index(name)] - scores[tasks.index(name)]).max() <= ROUNDING:
            raise MixError(f"column {name!r} of {second} holds the weights of {first} — take it out")
