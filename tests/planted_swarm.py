"""A swarm whose truth is planted, and what is recommended from it."""

import numpy as np

from mixes.optimum.holdings import Holdings
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs

DOMAINS = ("books", "code", "web")
NATURAL = {"books": 0.2, "code": 0.1, "web": 0.7}
FAMILIES = {"humaneval": "code", "mbpp": "code", "sciq": "knowledge"}


def swarm(signal: float, noise: float, seed: int = 0) -> Runs:
    """24 mixes and four seeds of natural; `signal` scales how far code and books help."""
    rng = np.random.default_rng(seed)
    mixes = [("natural", tuple(NATURAL[d] for d in DOMAINS))] * 4
    mixes += [(f"m{i:02d}", tuple(mix)) for i, mix in enumerate(rng.dirichlet(np.ones(3), size=24))]
    runs = []
    for number, (name, mix) in enumerate(mixes):
        books, code, _ = mix
        truth = {
            "humaneval": 3 - signal * code**0.5,
            "mbpp": 4 - signal * code**0.5,
            "sciq": 3 - signal * books**0.5,
        }
        scores = {task: value + float(rng.normal(scale=noise)) for task, value in truth.items()}
        runs.append(Run(f"r{number:02d}", name, dict(zip(DOMAINS, mix, strict=True)), scores))
    return Runs(tuple(runs))


def ask(runs: Runs, **settings):
    available = {name: share * 1e6 for name, share in NATURAL.items()}
    chosen = RecommendSettings(**{"replicates": 20, **settings})
    return recommend(Question(runs, FAMILIES, Holdings(NATURAL, available), chosen))
