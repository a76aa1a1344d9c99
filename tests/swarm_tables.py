"""Files of a swarm as Olmix writes them."""

import numpy as np
import polars as pl

DOMAINS = ("arxiv", "dclm", "wikipedia")
TASKS = ("arc_bpb", "mmlu_bpb")


def swarm_frames(runs: int = 14, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Files as Olmix's README shows them: run, name, index, and columns."""
    rng = np.random.default_rng(seed)
    keys = {
        "run": [f"hz{i:02d}dfy" for i in range(runs)],
        "name": [f"my-swarm-{i:04d}" for i in range(runs)],
        "index": list(range(runs)),
    }
    weights = rng.dirichlet(np.ones(3), size=runs)
    scores = np.column_stack([3 - weights[:, 0] ** 0.5, 2 - weights[:, 2] ** 0.5]) + rng.normal(0, 0.01, (runs, 2))
    ratios = pl.DataFrame({**keys, **dict(zip(DOMAINS, weights.T, strict=True))})
    return ratios, pl.DataFrame({**keys, **dict(zip(TASKS, scores.T, strict=True))})


def write(folder, ratios: pl.DataFrame, metrics: pl.DataFrame) -> None:
    ratios.write_csv(folder / "ratios.csv")
    metrics.write_csv(folder / "metrics.csv")
