"""A swarm in a program: read from files or data frames, shown as tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from mixes.certainty.at_size import fit_swarm_at
from mixes.certainty.fitted import FittedSwarm
from mixes.certainty.worlds import Worlds
from mixes.errors import MixError
from mixes.laws.fit import AUTO
from mixes.recommendation.optima import imagined
from mixes.runs import Size
from mixes.show.html import html_table
from mixes.show.watch import watch_steps
from mixes.tables.given import given_families, given_metrics, given_table
from mixes.tables.join import ScoredSwarm
from mixes.tables.read import read_swarm as read_tables


@dataclass(frozen=True, repr=False, eq=False)
class Swarm:
    """The runs of a swarm: which mixes were tried, and what they scored.

    `read_swarm` makes one. Laws that are fitted to it are kept with it, so that a second question takes seconds.
    """

    scored: ScoredSwarm
    tokens: Mapping[str, float] | None = None  # domain → available tokens, where they are known
    natural: Mapping[str, float] | None = None  # domain → share; None: the shares of `tokens`
    seeds: Mapping[str, int] = field(default_factory=dict)  # run → the seed of its proxy, where it is known
    checkpoint: Mapping[str, float] | None = None  # task → bpb of the checkpoint that proxies started from
    _kept: dict[tuple, Any] = field(default_factory=dict)  # laws and worlds, by what they depend on

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, sorted."""
        return self.scored.runs.domains

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, sorted."""
        return self.scored.runs.tasks

    @property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Family → its tasks."""
        metrics = self.scored.metrics
        names = sorted({metric.family for metric in metrics.values()})
        return {name: tuple(task for task in self.tasks if metrics[task].family == name) for name in names}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was ignored or repaired when the files were read."""
        return self.scored.notes

    def weights(self) -> pl.DataFrame:
        """One row per run: `run`, `mix` (equal for replicates), and each domain's weight."""
        runs = self.scored.runs
        return pl.DataFrame({"run": runs.ids, "mix": runs.mixes}).hstack(
            pl.DataFrame(runs.weights(), schema=list(runs.domains))
        )

    def scores(self) -> pl.DataFrame:
        """One row per run: `run`, and each task's score in its own unit and with its own sign."""
        runs, metrics = self.scored.runs, self.scored.metrics
        columns = {task: metrics[task].turned(line) for task, line in zip(runs.tasks, runs.scores(), strict=True)}
        return pl.DataFrame({"run": runs.ids, **columns})

    def fitted(self, law: str = AUTO, seed: int = 0, *, show: bool = True, at: Size | None = None) -> FittedSwarm:
        """The laws of all tasks, fitted at the first call; at: the size that they are for, where runs have several."""
        key = ("laws", law, seed, at)
        if key not in self._kept:
            with watch_steps("laws", show):
                self._kept[key] = fit_swarm_at(self.scored.runs, law, seed, self.seeds, at=at)
        laws: FittedSwarm = self._kept[key]
        return laws

    def worlds(self, law: str, seed: int, at: Size | None, count: int, *, show: bool = True) -> Worlds:
        """Imagined worlds of the laws, made at the first call."""
        key = ("worlds", law, seed, at, count)
        if key not in self._kept:
            fitted = self.fitted(law, seed, show=show, at=at)
            with watch_steps("worlds", show) as progress:
                self._kept[key] = imagined(fitted, count, seed, progress)
        worlds: Worlds = self._kept[key]
        return worlds

    def __len__(self) -> int:
        return len(self.scored.runs)

    def __repr__(self) -> str:
        families = ", ".join(f"{name} ({len(tasks)})" for name, tasks in list(self.families.items())[:8])
        more = ", …" if len(self.families) > 8 else ""
        return (
            f"Swarm: {len(self):,} runs of {len(set(self.scored.runs.mixes)):,} mixes over {len(self.domains):,} "
            f"domains, {len(self.tasks):,} tasks in {len(self.families):,} families: {families}{more}"
        )

    def _repr_html_(self) -> str:
        rows = [["family", "tasks", "unit", "better"]]
        for name, tasks in self.families.items():
            metric = self.scored.metrics[tasks[0]]
            rows.append([name, str(len(tasks)), metric.unit, metric.direction])
        return html_table(repr(self).partition(":")[2].strip().partition(":")[0], rows)


def read_swarm(
    ratios: Any, metrics: Any, *, families: Any = None, unit: str | None = None, rescale: bool = False
) -> Swarm:
    """Anyone's swarm: the mixes that were tried, and the scores of the models that were trained on them.

    The two tables are joined by a key column (`run`, `run_id`, `name` or `index`), in whatever order their rows are.
    Every other column of numbers is a domain's weight or a task's score. What can be repaired is repaired and listed
    in `notes`; what is doubtful is refused.

    Args:
        ratios: one row per run with each domain's weight: the path of a CSV or Parquet file, or a polars or pandas
            data frame.
        metrics: one row per run with each task's score: the same, or a folder or glob of lm-eval's or OLMES' results.
        families: how tasks are grouped, and their units and directions: the path of a YAML file, or a mapping such as
            `{"code": ["humaneval*"], "qa": {"metrics": ["arc*"], "unit": "accuracy"}}`. None: each task is a family.
        unit: of all tasks about which `families` and result files state none: bpb, nats per token, perplexity or
            accuracy.
        rescale: whether mixes whose weights do not sum to 1, such as percentages, are scaled to it.

    Returns:
        The swarm.

    Raises:
        MixError: a file cannot be read, or keys, weights, scores or directions are missing or doubtful.

    Example:
        swarm = mixes.read_swarm("ratios.csv", "metrics.csv", families={"code": ["humaneval", "mbpp"], "qa": ["*"]})
    """
    grouped = given_families(families)
    return Swarm(read_tables(given_table("ratios", ratios), given_metrics(metrics), grouped, unit, rescale))


def check_swarm(swarm: object) -> Swarm:
    """The swarm itself.

    Raises:
        MixError: it is something else.
    """
    if not isinstance(swarm, Swarm):
        raise MixError(f"swarm: is a {type(swarm).__name__} — read one with mixes.read_swarm(ratios, metrics)")
    return swarm
