"""Fitted laws in a program: one per task, with its held-out quality, and what it predicts of a mix."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import overload

import numpy as np
import polars as pl

from mixes.api.swarm import Swarm, check_swarm
from mixes.errors import MixError, cut_short, did_you_mean
from mixes.laws.fit import AUTO, TaskLaw
from mixes.runs import SUM_TOLERANCE, to_array
from mixes.show.html import html_table
from mixes.tables.given import given_table
from mixes.tables.metrics import Metric

Mix = Mapping[str, float]
ROUNDED = 1e-3  # how far the weights of a mix that somebody typed may sum from 1; they are then scaled


@dataclass(frozen=True)
class Law:
    """The law of one task: what a proxy scores on it, as a function of the mix."""

    task: str
    name: str  # the form that cross-validation chose, such as "transfer"
    rank_correlation: float  # Spearman's, between held-out predictions and scores
    error: float  # root mean squared held-out error, in `unit`
    family: str
    unit: str
    direction: str  # "lower" or "higher": which scores are better
    fitted: TaskLaw
    metric: Metric

    @overload
    def predict(self, mix: Mix) -> float: ...
    @overload
    def predict(self, mix: pl.DataFrame) -> pl.Series: ...
    def predict(self, mix: Mix | pl.DataFrame) -> float | pl.Series:
        """The score that a proxy is expected to have, in the task's unit and with its own sign.

        Args:
            mix: domain → weight; or a data frame with one column per domain and one row per mix.

        Raises:
            MixError: a domain is unknown or missing, or the weights do not sum to 1.
        """
        if isinstance(mix, Mapping):
            return float(self._scores(mix_array(mix, self.fitted.domains)[None])[0])
        return pl.Series(self.task, self._scores(mix_rows(mix, self.fitted.domains)))

    def _scores(self, weights: np.ndarray) -> np.ndarray:
        return self.metric.turned(self.fitted.predict(weights))


@dataclass(frozen=True, repr=False)
class Laws(Mapping[str, Law]):
    """Task → its law."""

    by_task: Mapping[str, Law]

    def predict(self, mix: Mix) -> dict[str, float]:
        """Task → the score that a proxy is expected to have on `mix` (domain → weight).

        Raises:
            MixError: a domain is unknown or missing, or the weights do not sum to 1.
        """
        return {task: law.predict(mix) for task, law in self.by_task.items()}

    def table(self) -> pl.DataFrame:
        """One row per task: `task`, `family`, `law`, `rank_correlation`, `error`, `unit`."""
        names = ("task", "family", "name", "rank_correlation", "error", "unit")
        rows = [{name: getattr(law, name) for name in names} for law in self.by_task.values()]
        return pl.DataFrame(rows).rename({"name": "law"})

    def __getitem__(self, task: str) -> Law:
        if task not in self.by_task:
            raise _UnknownTask(f"laws: no task is called {task!r} — {did_you_mean(str(task), self.by_task)}")
        return self.by_task[task]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_task)

    def __len__(self) -> int:
        return len(self.by_task)

    def __repr__(self) -> str:
        return f"Laws of {len(self)} tasks\n{self.table()}"

    def _repr_html_(self) -> str:
        rows = [["task", "family", "law", "rank correlation", "held-out error"]]
        rows += [
            [law.task, law.family, law.name, f"{law.rank_correlation:.3f}", f"{law.error:.4f} {law.unit}"]
            for law in self.by_task.values()
        ]
        return html_table(f"Laws of {len(self)} tasks", rows)


class _UnknownTask(MixError, KeyError):
    """Both what a mapping raises, and the one error of this package."""

    __str__ = MixError.__str__


def fit_laws(swarm: Swarm, *, law: str = AUTO, seed: int = 0, progress: bool = True) -> Laws:
    """A law for every task of a swarm: its score as a function of the mix.

    Args:
        swarm: what `read_swarm` returned.
        law: the form of every law (`linear`, `log_linear`, `bimix`, `transfer`, `gp`, `lightgbm`); `auto` chooses for
            each task by cross-validation.
        seed: of the folds.
        progress: whether a bar is shown, in a terminal or a notebook.

    Returns:
        Task → its law. Fitting takes seconds, for 100 tasks up to a minute; the laws are kept with the swarm.

    Raises:
        MixError: an unknown law, or fewer than 10 different mixes.

    Example:
        mixes.fit_laws(swarm)["arc_easy"].predict({"web": 0.5, "code": 0.3, "math": 0.2})
    """
    fitted, metrics = check_swarm(swarm).fitted(law, seed, show=progress), swarm.scored.metrics
    return Laws(
        {
            task: Law(
                task, own.kind.name, own.rank_correlation, own.error, metrics[task].family, metrics[task].unit,
                metrics[task].direction, own, metrics[task],
            )
            for task, own in sorted(fitted.laws.items())
        }
    )  # fmt: skip


def mix_array(mix: Mix, domains: tuple[str, ...]) -> np.ndarray:
    """(n_domains,) the weights of a mix.

    Raises:
        MixError: a domain is unknown or missing, or the weights are no weights or do not sum to 1.
    """
    for name, weight in mix.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float | np.number):
            raise MixError(f"mix: weight of {name!r} is {cut_short(weight)}, not a number")
    return _checked(to_array(mix, domains, "mix")[None].astype(float))[0]


def mix_rows(given: object, domains: tuple[str, ...]) -> np.ndarray:
    """(n, n_domains) the weights of a data frame of mixes, whose other columns are ignored.

    Raises:
        MixError: a domain is missing, or the weights are no weights or do not sum to 1.
    """
    frame = given_table("mix", given).frame
    missing = [name for name in domains if name not in frame.columns]
    if missing:
        raise MixError(f"mix: the data frame has no column {missing[0]!r} — it needs one for each domain")
    return _checked(frame.select(domains).cast(pl.Float64).to_numpy())


def _checked(weights: np.ndarray) -> np.ndarray:
    """Weights (n, n_domains) that sum to one."""
    sums = weights.sum(axis=1)
    wrong = ~((weights >= 0).all(axis=1) & (np.abs(sums - 1) <= ROUNDED))
    if wrong.any():
        row = int(wrong.argmax())
        where = f" row {row + 1}" if len(weights) > 1 else ""
        raise MixError(f"mix{where}: weights are below 0 or sum to {sums[row]:.6g}, not to 1")
    return np.where(np.abs(sums - 1)[:, None] > SUM_TOLERANCE, weights / sums[:, None], weights)
