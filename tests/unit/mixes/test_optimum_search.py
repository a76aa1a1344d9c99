"""The search for laws that are not convex: near the exact optimum where that is known, and in order with trees."""

from dataclasses import dataclass, replace

import numpy as np
import planted
import pytest
from sklearn.tree import DecisionTreeRegressor

from mixes.errors import MixError
from mixes.optimum.best import best_mix, closest_mix
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.exact import exact_mix
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part
from mixes.optimum.search import search_mix


@dataclass(frozen=True)
class Ripples:
    """A law with many valleys: the squared distance to a mix plus ripples."""

    height: float
    name: str = "ripples"
    convex: bool = False

    def fit(self, weights, scores, rows, initial=None):
        raise NotImplementedError

    def predict(self, parameters, weights):
        off = weights[None] - parameters[:, None]
        return (off**2 - self.height * np.cos(20 * off)).sum(axis=2)

    def gradient(self, parameters, weights):
        off = weights - parameters
        return 2 * off + 20 * self.height * np.sin(20 * off)


@dataclass(frozen=True)
class Trees:
    """A law of steps, by a regression tree."""

    name: str = "trees"
    convex: bool = False

    def fit(self, weights, scores, rows, initial=None):
        return np.array([[DecisionTreeRegressor(random_state=0).fit(weights, y)] for y in scores], dtype=object)

    def predict(self, parameters, weights):
        return np.array([tree.predict(weights) for tree in parameters[:, 0]])

    def gradient(self, parameters, weights):
        return np.zeros((len(parameters), len(weights)))


VALLEY = np.array([0.1, 0.3, 0.05, 0.4, 0.15])
RIPPLES = Objective((Part(Ripples(0.02), VALLEY[None], np.ones(1)),), np.full(5, 0.2))
NAMES = planted.names_of(5)


@pytest.mark.parametrize("domains", [3, 8, 24])
def test_near_the_exact_optimum_of_a_convex_law(domains):
    aim = planted.objective(domains, 3, seed=1)
    within = planted.limits(aim.anchor)
    exact, found = exact_mix(aim, within), search_mix(aim, within)
    assert within.met(found.mix[None])[0]
    assert exact.value - exact.gap <= found.value < exact.value + 2e-3 * exact.range
    assert found.gap is None


def test_the_lowest_of_many_valleys():
    found = best_mix(RIPPLES, Limits(NAMES))
    np.testing.assert_allclose(found.mix, VALLEY, atol=2e-3)
    assert found.gap is None


def test_limits_hold_and_the_seed_decides():
    within = Limits(NAMES, (Bound("a", NAMES[:1], high=0.02), Bound("bc", NAMES[1:3], 0.5, 0.6)))
    found = best_mix(RIPPLES, within, seed=3)
    assert within.met(found.mix[None])[0]
    np.testing.assert_array_equal(best_mix(RIPPLES, within, seed=3).mix, found.mix)


def test_trees_from_the_swarms_mixes(monkeypatch):
    """The leaf of the best run is found, though single moves from other leaves gain nothing."""
    rng = np.random.default_rng(0)
    swarm = rng.dirichlet(np.full(12, 0.5), size=600)
    scores = rng.permutation(600) / 600
    law = Trees()
    aim = Objective((Part(law, law.fit(swarm, scores[None], None), np.ones(1)),), np.full(12, 1 / 12))
    monkeypatch.setattr("mixes.optimum.search.DRAWS", 2)
    found = best_mix(aim, Limits(planted.names_of(12)), candidates=swarm)
    assert found.value == 0


def test_a_start_is_improved_alone():
    initial = VALLEY + np.array([0.02, -0.02, 0, 0, 0])
    np.testing.assert_allclose(best_mix(RIPPLES, Limits(NAMES), start=initial).mix, VALLEY, atol=2e-3)
    away = np.array([0.72, 0.1, 0.06, 0.06, 0.06])
    assert best_mix(RIPPLES, Limits(NAMES), start=away).value > best_mix(RIPPLES, Limits(NAMES)).value


def test_a_ceiling_on_a_law_that_is_not_convex():
    aim = replace(planted.objective(5, 2, seed=0), anchor=RIPPLES.anchor)
    within = Limits(NAMES, ceilings=(AtMost("keep: ripples", RIPPLES, -0.05),))
    found = best_mix(aim, within)
    assert RIPPLES.value(found.mix[None])[0] <= -0.05 + 1e-9
    with pytest.raises(MixError, match=r"none of .* mixes meets keep: ripples — loosen it"):
        best_mix(aim, Limits(NAMES, ceilings=(AtMost("keep: ripples", RIPPLES, -1.0),)))


def test_close_to_the_anchor_with_a_law_that_is_not_convex():
    best, close = best_mix(RIPPLES, Limits(NAMES)), closest_mix(RIPPLES, Limits(NAMES), 0.5)
    there = float(RIPPLES.value(RIPPLES.anchor[None])[0])
    assert there - close.value >= 0.5 * (there - best.value) - 1e-9
    assert np.abs(close.mix - RIPPLES.anchor).sum() < np.abs(best.mix - RIPPLES.anchor).sum()
