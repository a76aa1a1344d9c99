"""The weights of a table of mixes: numbers of at least 0 that sum to one in every row, or can be scaled to it."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mixes.errors import MixError
from mixes.runs import SUM_TOLERANCE
from mixes.tables.columns import is_bookkeeping
from mixes.tables.keys import Table, listed

ROUNDING = 0.01  # how far weights may sum from 1; RegMix's three decimals reach 0.003
EXACT = 1e-9  # a sum this close to 1 was not rounded


@dataclass(frozen=True)
class Rows:
    """Rows of a table in the order of the runs, and what messages call each."""

    table: Table
    key: str
    rows: list[int]
    ids: list[str]

    def where(self, i: int) -> str:
        """The name of a row in a message."""
        return f"{self.table.name}: row {self.rows[i] + 1} ({self.key} {self.ids[i]!r})"

    def numbers(self, names: list[str], what: str) -> np.ndarray:
        """(n_rows, n_names) finite numbers; what: a weight or a score.

        Raises:
            MixError: one is missing or not finite.
        """
        frame = self.table.frame.select(pl.col(names).cast(pl.Float64))
        holes = [name for name, count in frame.null_count().to_dicts()[0].items() if count]
        if holes:
            i = next(i for i, row in enumerate(self.rows) if frame[holes[0]][row] is None)
            fix = (
                "write 0 if it was not in the mix"
                if what == "weight"
                else "score it, or leave the run out of both files"
            )
            raise MixError(f"{self.where(i)}: {what} of {holes[0]!r} is missing — {fix}")
        values = frame.to_numpy()
        values = values if self.rows == list(range(len(self.rows))) else values[self.rows]
        if not np.isfinite(values).all():
            i, j = np.argwhere(~np.isfinite(values))[0]
            raise MixError(
                f"{self.where(i)}: {what} of {names[j]!r} is {values[i, j]} — leave the run out of both files"
            )
        return values


def weights_of(rows: Rows, columns: list[str], rescale: bool = False) -> tuple[list[str], np.ndarray, list[str]]:
    """The domains, their weights (n_runs, n_domains), which sum to one, and notes on what was left out or scaled.

    rescale: whether rows that sum to something else, such as percentages or counts of tokens, are scaled to one.

    Raises:
        MixError: a weight is negative, or a row sums to something else.
    """
    domains, weights, notes = _domains(rows, columns)
    if (weights < 0).any():
        i, d = np.argwhere(weights < 0)[0]
        raise MixError(f"{rows.where(i)}: weight of {domains[d]!r} is {weights[i, d]:g} — weights are 0 or more")
    sums = weights.sum(axis=1)  # (n_runs,)
    wrong = np.abs(sums - 1) > ROUNDING + EXACT
    if wrong.any():
        _check_scalable(rows, domains, weights, rescale)
    notes += [f"{rows.table.name}: weight of {name!r} is 0 in every mix" for name in _never(domains, weights)]
    if (np.abs(sums - 1) > EXACT).any():
        weights = weights / sums[:, None]
    between = f"summed to {sums.min():.6g} … {sums.max():.6g} and were scaled to 1"
    if wrong.any():
        notes.append(f"{rows.table.name}: weights of {wrong.sum()} of {len(sums)} rows {between}, as `rescale` asks")
    elif (np.abs(sums - 1) > SUM_TOLERANCE).any():
        notes.append(f"{rows.table.name}: weights {between} (rounding of up to {ROUNDING} is repaired)")
    return domains, weights, notes


def _domains(rows: Rows, columns: list[str]) -> tuple[list[str], np.ndarray, list[str]]:
    """Columns that are domains, and their weights. A column that is called like a count or a time is no domain where
    the rows sum neither to 1 nor to 100 with it."""
    doubtful = [name for name in columns if is_bookkeeping(name)]
    domains = [name for name in columns if name not in doubtful]
    if not doubtful or not domains:
        return columns, rows.numbers(columns, "weight"), []
    every = rows.table.frame.select(pl.col(columns).cast(pl.Float64)).sum_horizontal().to_numpy()
    if any((np.abs(every / whole - 1) <= ROUNDING).all() for whole in (1, 100)):
        return columns, rows.numbers(columns, "weight"), []
    note = f"{rows.table.name}: {listed(doubtful)} hold no weights, by their names, and are ignored"
    return domains, rows.numbers(domains, "weight"), [note]


def _check_scalable(rows: Rows, domains: list[str], weights: np.ndarray, rescale: bool) -> None:
    """Refuse rows that do not sum to one, unless they are to be scaled and can be."""
    sums, name = weights.sum(axis=1), rows.table.name
    if (sums <= 0).any():
        raise MixError(
            f"{rows.where(int((sums <= 0).argmax()))}: every weight is 0 — give it its mix, or take the run out"
        )
    total = _total(domains, weights)
    if total is not None:
        raise MixError(f"{name}: column {total!r} is the sum of the others, so it is no domain — take it out")
    percent = (np.abs(sums / 100 - 1) <= ROUNDING).all()
    culprit = _culprit(domains, weights, sums)
    wrong = np.abs(sums - 1) > ROUNDING + EXACT
    if rescale and not culprit:
        return
    if percent:
        raise MixError(f"{name}: weights sum to 100, so they are percentages — divide them by 100, or set `rescale`")
    i = int(wrong.argmax())
    fix = f" — {culprit}" if culprit else " — check the row, or set `rescale` to scale it to 1"
    raise MixError(
        f"{rows.where(i)}: weights sum to {sums[i]:.6g}, not to 1 within {ROUNDING} "
        f"({wrong.sum()} of {len(sums)} rows){fix}"
    )


def _total(domains: list[str], weights: np.ndarray) -> str | None:
    """A column that is the sum of all others, in every row."""
    if len(domains) < 3:
        return None
    half = weights.sum(axis=1)[:, None] / 2
    total = (np.abs(weights - half) <= ROUNDING * np.maximum(half, EXACT)).all(axis=0)
    return domains[int(total.argmax())] if total.any() else None


def _culprit(domains: list[str], weights: np.ndarray, sums: np.ndarray) -> str:
    """What to do about the one column without which the weights would sum to one; empty where there is none."""
    rests = np.abs(sums[:, None] - weights - 1).max(axis=0)
    alone = int(rests.argmin())
    if rests[alone] > ROUNDING or len(domains) < 3:
        return ""
    return f"without column {domains[alone]!r} they would: it seems to be no domain, take it out"


def _never(domains: list[str], weights: np.ndarray) -> list[str]:
    return [name for name, largest in zip(domains, weights.max(axis=0), strict=True) if largest == 0]
