"""Floors of `keep` are as uncertain as the laws that say where they lie, and intervals say so."""

import numpy as np

from mixes.optimum.holdings import Holdings
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs

DOMAINS = ("books", "code", "web")
NATURAL = {"books": 0.2, "code": 0.1, "web": 0.7}
CHECKPOINT = {"mbpp": 3.2, "sciq": 2.5}
WORSE = 0.05  # that knowledge may get against the checkpoint
SHARE = (3 - CHECKPOINT["sciq"] - WORSE) ** 2  # books that just keep knowledge there, since sciq is 3 − √books


def planted(seed: int, noise: float = 0.05) -> Runs:
    """24 mixes and four seeds of natural, where code helps code and books help knowledge."""
    rng = np.random.default_rng(seed)
    mixes = [("natural", list(NATURAL.values()))] * 4
    mixes += [(f"m{number:02d}", mix.tolist()) for number, mix in enumerate(rng.dirichlet(np.ones(3), size=24))]
    runs = []
    for number, (name, mix) in enumerate(mixes):
        books, code, _ = mix
        truth = {"mbpp": 4 - code**0.5, "sciq": 3 - books**0.5}
        scores = {task: score + float(rng.normal(scale=noise)) for task, score in truth.items()}
        runs.append(Run(f"r{number:02d}", name, dict(zip(DOMAINS, mix, strict=True)), scores))
    return Runs(runs)


def test_the_weight_that_a_floor_decides_is_covered():
    """The best mix for code keeps as many books as knowledge truly needs, and all else is code."""
    covered, predicted = [], []
    settings = RecommendSettings(
        replicates=40, target={"code": 1.0}, max_epochs=100.0, pull=0.0, limits={"keep": {"knowledge": WORSE}}
    )
    families = {"mbpp": "code", "sciq": "knowledge"}
    holdings = Holdings(NATURAL, {name: share * 1e6 for name, share in NATURAL.items()})
    for seed in range(12):
        recommendation = recommend(Question(planted(seed), families, holdings, settings, checkpoint=CHECKPOINT))
        low, high = recommendation.intervals["books"]
        covered.append(low <= SHARE <= high)
        predicted.append(recommendation.predicted["knowledge"].mix)
        assert recommendation.mix["web"] < 0.05
    assert np.mean(covered) >= 0.5  # nominal 0.9; where floors were taken as known it was 0.1
    assert max(predicted) <= CHECKPOINT["sciq"] + WORSE + 1e-3
