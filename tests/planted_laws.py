"""Swarms whose scores follow a law that is known."""

import numpy as np

from mixes.laws.fit import TaskLaw
from mixes.runs import Run, Runs

DOMAINS, TASKS, NOISE = ("a", "b", "c", "d"), ("s", "t"), 0.02
MEAN = {"s": 0.5, "t": 0.5}
HELP = np.array([[1.0, 0.3, 0.1, 0.5], [0.2, 1.2, 0.4, 0.1]])
RATES = np.array([[-2.0, -0.5, 0.3, -1.0], [0.2, -1.5, -1.0, -0.3]])
TRUTHS = {
    "transfer": lambda w: 1 + (0.2 + HELP @ w.T**0.5) ** -0.8,
    "log_linear": lambda w: 1 + np.exp(RATES @ w.T),
    "linear": lambda w: 2 + RATES @ w.T,
}


def measured(weights: np.ndarray, scores: np.ndarray) -> Runs:
    return Runs(
        tuple(
            Run(f"r{i:03d}", f"r{i:03d}", dict(zip(DOMAINS, w, strict=True)), dict(zip(TASKS, y, strict=True)))
            for i, (w, y) in enumerate(zip(weights.tolist(), scores.T.tolist(), strict=True))
        )
    )


def swarm(name: str, seed: int, count: int = 24, noise: float = NOISE) -> Runs:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(4), size=count)
    return measured(weights, TRUTHS[name](weights) + noise * rng.standard_normal((2, count)))


def fitted(runs: Runs, kind) -> dict[str, TaskLaw]:
    parameters = kind.fit(runs.weights(), runs.scores(), np.ones((2, len(runs.runs))))
    return {task: TaskLaw(task, kind, DOMAINS, parameters[t], 0, 0, {}, {}) for t, task in enumerate(TASKS)}
