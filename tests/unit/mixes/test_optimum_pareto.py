"""The front between families, and what one more percent of a domain does."""

from dataclasses import replace

import numpy as np
import planted
import pytest

from mixes.errors import MixError
from mixes.laws.registry import LAWS
from mixes.optimum.best import best_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.limits import Limits
from mixes.optimum.marginal import marginal_values
from mixes.optimum.objective import Objective, Part
from mixes.optimum.pareto import pareto_front

NAMES = planted.names_of(6)
LIMITS = Limits(NAMES, (Bound("cap", NAMES[:1], high=0.3),))


def families(count: int, forms: tuple[str, ...]) -> dict[str, Objective]:
    anchor = np.full(6, 1 / 6)
    return {f"family {n}": replace(planted.objective(6, 2, n, forms=forms), anchor=anchor) for n in range(count)}


def table(front) -> np.ndarray:
    return np.array([list(point.values.values()) for point in front])


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("forms", [("transfer",), ("linear",), ("log_linear", "transfer")], ids="+".join)
def test_no_point_dominates_another_and_none_is_dominated_by_any_mix(count, forms):
    asked = families(count, forms)
    front = pareto_front(asked, LIMITS, 12)
    values, span = table(front), np.ptp(table(front), axis=0)
    assert count <= len(front) <= 12
    anything = np.random.default_rng(0).dirichlet(np.full(6, 0.4), size=20_000)
    anything = anything[LIMITS.met(anything)]
    others = np.array([one.value(anything) for one in asked.values()]).T
    for row in values:
        assert not ((others < row - 1e-3 * span).all(axis=1)).any()
        assert ((values <= row).all(axis=1)).sum() == 1


def test_every_point_is_the_optimum_of_its_target():
    asked = families(3, ("transfer",))
    for point in pareto_front(asked, LIMITS, 10):
        assert sum(point.target.values()) == pytest.approx(1)
        parts = tuple(
            replace(part, values=part.values * point.target[name]) for name, one in asked.items() for part in one.parts
        )
        aim = Objective(parts, np.full(6, 1 / 6))
        found = best_mix(aim, LIMITS)
        assert aim.value(point.mix[None])[0] == pytest.approx(found.value, abs=1e-6 * found.range)


def test_two_families_are_spaced_evenly_whatever_their_units():
    asked = families(2, ("transfer",))
    front = table(pareto_front(asked, LIMITS, 15))
    steps = np.linalg.norm(np.diff(front / np.ptp(front, axis=0), axis=0), axis=1)
    assert len(front) == 15
    assert steps.max() < 2.5 * steps.mean()
    first, second = asked
    parts = tuple(replace(part, values=1000 * part.values) for part in asked[second].parts)
    unit = {first: asked[first], second: replace(asked[second], parts=parts)}
    np.testing.assert_allclose(table(pareto_front(unit, LIMITS, 15)) / [1, 1000], front, atol=1e-4)


def test_a_familys_own_end_is_no_worse_for_the_others_than_it_must_be():
    """To the first family two domains are alike; to the second one of them is better."""
    anchor = np.array([0.5, 0.3, 0.2])
    first, second = (
        Objective((Part(LAWS["linear"], np.array([slopes]), np.ones(1)),), anchor) for slopes in ([1, 1, 2], [3, 2, 1])
    )
    front = pareto_front({"first": first, "second": second}, Limits(("a", "b", "c")), 2)
    np.testing.assert_allclose([point.mix for point in front], [[0, 1, 0], [0, 0, 1]], atol=1e-9)


def test_families_that_agree_have_one_point():
    one = planted.objective(6, 2, 0)
    assert len(pareto_front({"a": one, "b": one}, LIMITS, 10)) == 1


def test_a_front_of_nothing():
    with pytest.raises(MixError, match="1 points for 2 families"):
        pareto_front(families(2, ("linear",)), LIMITS, 1)


def test_one_more_percent_is_taken_from_the_others_in_proportion():
    mix = np.array([0.5, 0.3, 0.2])
    law = Objective((Part(LAWS["linear"], np.array([[1.0, 2.0, 4.0]]), np.ones(1)),), mix)
    found = marginal_values({"all": law}, mix)["all"]
    rest = np.array([(0.3 * 2 + 0.2 * 4) / 0.5, (0.5 * 1 + 0.2 * 4) / 0.7, (0.5 * 1 + 0.3 * 2) / 0.8])
    np.testing.assert_allclose(found, 0.01 * (np.array([1.0, 2.0, 4.0]) - rest))


def test_more_of_a_domain_that_is_absent_or_all_there_is():
    law = planted.objective(3, 2, seed=0, forms=("transfer",))
    found = marginal_values({"all": law}, np.array([0.995, 0.005, 0.0]))["all"]
    assert np.isnan(found).tolist() == [True, False, False]
    after = np.array([0.995 * 0.99, 0.005 * 0.99, 0.01])
    both = law.value(np.array([[0.995, 0.005, 0.0], after]))
    assert found[2] == pytest.approx(both[1] - both[0])
