"""Candidates over three real domains, trained in this process."""

from pathlib import Path

import polars as pl

from mixes.proxy.settings import ProxySettings
from mixes.swarm import Candidate
from pipeline.executor.settings import ExecutorSettings
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm

SETTINGS = ProxySettings(size="100k", tokens=8_192, context=64, batch=8)
HERE = ExecutorSettings(workers=1)
CANDIDATES = [
    Candidate("even", {"books": 0.4, "code": 0.3, "science": 0.3}, 0),
    Candidate("code", {"books": 0.0, "code": 1.0, "science": 0.0}, 0),
    Candidate("even", {"books": 0.4, "code": 0.3, "science": 0.3}, 1),
]


def train(
    evidence: Evidence, folder: Path, candidates=CANDIDATES, executor: ExecutorSettings = HERE, **changes: object
) -> tuple[Evidence, dict]:
    """Train into `folder`, in this process or where the executor says."""
    changed = Evidence(evidence.pool, evidence.suite, SETTINGS.model_copy(update=changes))
    decided = train_swarm(changed, candidates, folder / "records", folder / "logs", executor, lambda done, total: None)
    return changed, decided


def scores(folder: Path, table: str = "scores") -> pl.DataFrame:
    keys = ["run", "kind", "task"] if table == "scores" else ["run", "task", "item"]
    return pl.read_parquet(folder / "records" / table / "*.parquet").sort(keys)
