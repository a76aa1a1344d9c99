"""check-law ranks another swarm, of other proxies, by task name."""

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.laws.check import check_law
from mixes.runs import Run, Runs


def swarm(count: int, seed: int, scale: float = 1.0, tasks: tuple[str, ...] = ("t", "u")) -> Runs:
    """Transfer laws of opposite wishes; `scale` stands for another proxy's size."""
    runs = []
    for i, mix in enumerate(np.random.default_rng(seed).dirichlet(np.ones(3), size=count)):
        scores = {"t": 1 + scale * (0.2 + mix[0] ** 0.5) ** -0.5, "u": 2 + scale * (0.2 + mix[1] ** 0.5) ** -0.5}
        weights = dict(zip("abc", mix.tolist(), strict=True))
        runs.append(Run(f"r{i:03d}", f"m{i:03d}", weights, {task: float(scores[task]) for task in tasks}))
    return Runs(tuple(runs))


@pytest.mark.parametrize("law", ["auto", "transfer"])
def test_a_larger_proxy_is_ranked_by_a_smaller_ones_law(law):
    found = check_law(swarm(40, 0), swarm(100, 1, scale=0.3), law)
    assert found.spearman_mean > 0.99
    assert set(found.spearman) == {"t", "u"}
    assert found.runs == 40
    assert 0 <= found.regret < 0.01


def test_what_a_law_is_called():
    assert check_law(swarm(40, 0), swarm(20, 1), "linear").law == "linear"
    auto = check_law(swarm(40, 0), swarm(20, 1))
    assert (auto.law, set(auto.chosen.values())) == ("auto", {"transfer"})


def test_regret_is_the_true_score_lost():
    train = swarm(40, 0)
    test = swarm(30, 1)
    bent = Runs(tuple(Run(r.id, r.mix, r.weights, {t: -y for t, y in r.scores.items()}) for r in test.runs))
    means = np.sort(bent.scores().mean(axis=0))
    assert check_law(train, bent).regret > 0.5 * (means[-1] - means[0])


def test_tasks_are_joined_by_name():
    found = check_law(swarm(40, 0), swarm(30, 1, tasks=("u",)))
    assert set(found.spearman) == {"u"}


def test_swarms_that_do_not_fit_together():
    other = Runs(tuple(Run(r.id, r.mix, {"x" if d == "a" else d: w for d, w in r.weights.items()}, r.scores)
                       for r in swarm(20, 1).runs))  # fmt: skip
    with pytest.raises(MixError, match="domain 'a' is only in the training swarm"):
        check_law(swarm(40, 0), other)
    with pytest.raises(MixError, match="no metric is in both swarms — one has t"):
        check_law(swarm(40, 0, tasks=("t",)), swarm(20, 1, tasks=("u",)))
    with pytest.raises(MixError, match="ranking needs two"):
        check_law(swarm(40, 0), swarm(1, 1))
