"""A swarm in which some mixes have several seeds, all of a known truth."""

import numpy as np

from mixes.certainty.seeds import level_seeds
from mixes.runs import Run, Runs

NATURAL = {"books": 0.3, "code": 0.2, "web": 0.5}
SLOPES = np.array([[3.0, 2.0, 2.5], [2.0, 4.0, 3.0]])  # bpb of each task by domain: a linear truth


def truth(weights: dict[str, float]) -> np.ndarray:
    return SLOPES @ np.array([weights[name] for name in sorted(weights)])


LINEAR = ("linear",)
OF_SEED = 0.3  # sd of what a seed does to all mixes alike


def swarm(
    replicated: int, seeds: int, noise: float, misfit: float = 0.0, mixes: int = 30, seed: int = 0
) -> tuple[Runs, dict[str, int]]:
    """The first mixes in several seeds, the others in seed 0; `misfit` is what no linear law can say of a mix."""
    rng = np.random.default_rng(seed)
    runs, used, of_seed = [], {}, OF_SEED * rng.standard_normal((seeds, 2))
    for number, mix in enumerate(rng.dirichlet(np.ones(3), size=mixes).tolist()):
        weights = dict(zip(sorted(NATURAL), mix, strict=True))
        own = truth(weights) + misfit * rng.standard_normal(2)
        for s in range(seeds if number < replicated else 1):
            scores = own + of_seed[s] + noise * rng.standard_normal(2)
            name = f"{number:02d}-{s}"
            runs.append(Run(name, f"mix-{number:02d}", weights, dict(zip(("arc", "mbpp"), scores, strict=True))))
            used[name] = s
    return level_seeds(Runs(runs), used), used
