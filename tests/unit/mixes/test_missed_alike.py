"""Laws whose form is wrong are told from noise by the errors of mixes that are near each other."""

import numpy as np
import pytest

from mixes.certainty.alike import missed_alike
from mixes.certainty.fitted import fit_swarm
from mixes.recommendation.question import Question
from mixes.recommendation.recommend import recommend
from mixes.recommendation.settings import RecommendSettings
from mixes.runs import Run, Runs

WORTH = np.array([[2.0, 0.5, 0.1, 1.0, 0.3], [0.1, 0.5, 2.0, 0.3, 1.0], [0.5, 1.0, 0.4, 0.1, 2.0]])


def swarm(together: float, mixes: int = 100, seed: int = 0) -> Runs:
    """Scores that fall with each domain's share, plus `together` times what pairs of domains do; noise 0.02."""
    rng = np.random.default_rng(seed)
    pairs = rng.normal(size=(len(WORTH), 5, 5))
    runs = []
    for number, w in enumerate(rng.dirichlet(np.ones(5), mixes)):
        scores = (0.3 + WORTH @ w**0.5) ** -0.6 + together * np.einsum("i,tij,j->t", w, pairs, w)
        scores += rng.normal(scale=0.02, size=len(WORTH))
        name = f"m{number:03d}"
        by_task = {f"t{task}": float(score) for task, score in enumerate(scores)}
        runs.append(Run(name, name, dict(zip("abcde", w.tolist(), strict=True)), by_task))
    return Runs(tuple(runs))


def alike(runs: Runs, law: str) -> float:
    """The correlation."""
    return missed_alike(fit_swarm(runs, law).local_fits.values()).correlation


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_not_alike_and_what_a_law_lacks_is(seed):
    assert alike(swarm(together=0.0, seed=seed), "transfer") < 0.05
    assert alike(swarm(together=0.2, seed=seed), "transfer") > 0.1
    assert alike(swarm(together=0.0, seed=seed), "linear") > 0.1


def test_the_recommendation_warns():
    settings = RecommendSettings(replicates=20, law="linear")
    families = {f"t{task}": "all" for task in range(len(WORTH))}
    for law, warned in (("linear", True), ("transfer", False)):
        asked = Question(swarm(together=0.0), families, settings=settings.model_copy(update={"law": law}))
        cautions = {caution.kind: caution.text for caution in recommend(asked).cautions}
        assert ("missed_alike" in cautions) == warned
        if warned:
            assert "narrower than they should be" in cautions["missed_alike"]
