"""A work folder in a program: its swarm for the Python API of mixes/, its recommendations, and SQL over its catalog.

Only the catalog is read. Neither Prefect nor torch is imported.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.catalog.query import query_catalog
from flows.errors import ExperimentError

if TYPE_CHECKING:
    import polars as pl

    from mixes.api.swarm import Swarm

KEY = "run"


@dataclass(frozen=True)
class Workspace:
    """The work folder of an experiment."""

    folder: Path

    @cached_property
    def catalog(self) -> Path:
        """The DuckDB file, which `duckdb` and its UI open too."""
        return self.folder / "catalog.duckdb"

    def sql(self, query: str) -> "pl.DataFrame":
        """What one SELECT gives; `workspace.sql("show tables")` lists the tables.

        Raises:
            ExperimentError: it is no SELECT, or DuckDB refuses it.
        """
        return query_catalog(self.catalog, query)

    def recommendations(self) -> "pl.DataFrame":
        """All recommendations by the swarm, at other sizes too (`at_size`), in the order in which they were made."""
        return self.sql("from recommendations where current order by number")

    @property
    def seed(self) -> int:
        """The experiment's seed: `mixes.recommend(…, seed=workspace.seed)` imagines the same worlds as its flow."""
        from mixes.tables.yaml_file import read_yaml

        name = self.sql("select experiment from meta")["experiment"][0]
        return int(read_yaml(self.folder / "experiments" / f"{name}.yaml")["seed"])

    @cached_property
    def swarm(self) -> "Swarm":
        """The swarm that was trained: its runs, the pool's tokens, and seeds, ready for `mixes.recommend`.

        The experiment's own `recommend:` section is not applied: give target, budget and limits as arguments.

        Raises:
            ExperimentError: there is no catalog, or no swarm in it.
        """
        import numpy as np

        from mixes.api.swarm import Swarm
        from mixes.runs import Runs
        from mixes.tables.join import ScoredSwarm
        from mixes.tables.metrics import Metric

        runs = self.sql("select run, mix, seed, weights from runs where status = 'trained' order by run")
        if runs.is_empty():
            raise ExperimentError(f"workspace {self.folder}: no swarm was trained in it — run `mixwright swarm` first")
        scores = self.sql("select run, task, family, bpb from scores where kind = 'task' order by task, run")
        wide = scores.filter(scores["run"].is_in(runs["run"].to_list())).pivot("task", index="run", values="bpb")
        tasks = [name for name in wide.columns if name != KEY]
        weights = [json.loads(row) for row in runs["weights"]]
        domains = sorted(weights[0])
        made = Runs.from_arrays(
            runs["run"].to_list(),
            runs["mix"].to_list(),
            domains,
            tasks,
            np.array([[row[domain] for domain in domains] for row in weights]),
            runs.select("run").join(wide, on="run", how="left").select(tasks).to_numpy().T,
        )
        families: dict[str, str] = dict(scores.select("task", "family").unique().iter_rows())
        metrics = {task: Metric(families[task], "bpb", "lower") for task in made.tasks}
        pool = self.sql("select domain, natural_share, available_tokens from domains")
        checkpoint = self.sql("select task, bpb from checkpoint_scores where kind = 'task'")
        return Swarm(
            ScoredSwarm(made, metrics, KEY, ()),
            tokens=_named(pool, "available_tokens"),
            natural=_named(pool, "natural_share"),
            seeds=dict(runs.select("run", "seed").iter_rows()),
            checkpoint=dict(checkpoint.iter_rows()) or None,
        )

    def __repr__(self) -> str:
        counts = self.sql(
            "select (select count(*) from runs) runs, (select count(*) from recommendations where current) answers"
        )
        runs, answers = counts.row(0)
        return f"Workspace {self.folder}: {runs} runs, {answers} recommendations"


def _named(pool: "pl.DataFrame", column: str) -> dict[str, Any]:
    return dict(pool.select("domain", column).iter_rows())


def open_workspace(folder: str | Path) -> Workspace:
    """The work folder of an experiment (its `work:`).

    Raises:
        ExperimentError: there is no catalog in it.

    Example:
        workspace = flows.open_workspace("build/work")
        best = mixes.recommend(workspace.swarm, target={"code": 1}, seed=workspace.seed)
    """
    workspace = Workspace(Path(folder))
    if not workspace.catalog.is_file():
        raise ExperimentError(f"workspace {folder}: holds no catalog.duckdb — give the `work:` folder of an experiment")
    return workspace
