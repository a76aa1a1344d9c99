"""The robust optimum: the mean of the worst replicates' loss, against a fine grid and in its limits."""

import itertools
from dataclasses import replace

import numpy as np
import planted
import pytest

from mixes.errors import MixError
from mixes.optimum.best import best_mix
from mixes.optimum.bounds import Bound
from mixes.optimum.limits import Limits
from mixes.optimum.robust import WorstLoss, best_robust_mix

STEP = 0.01
GRID = np.array(
    [(a, b, 1 - a - b) for a, b in itertools.product(np.arange(0, 1 + STEP / 2, STEP), repeat=2) if a + b <= 1 + 1e-9]
).clip(0)
ABC = ("a", "b", "c")


@pytest.mark.parametrize("within", [Limits(ABC), Limits(ABC, (Bound("a", ("a",), 0.1, 0.4),))], ids=["free", "bounds"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("share", [0.1, 0.13, 1.0])
def test_the_grids_optimum(within, seed, share):
    several = planted.replicates(planted.objective(3, 2, seed, forms=("transfer", "log_linear")), 30, 0.3)
    loss, found = WorstLoss(several, share), best_robust_mix(several, within, share)
    grid = loss.value(GRID[within.met(GRID)]).min()
    assert found.value == loss.value(found.mix[None])[0]
    assert grid - 0.02 * found.range < found.value <= grid + found.gap
    assert found.gap <= 1e-6 * found.range


def test_the_mean_of_the_worst_by_hand():
    """Losses of ten replicates at a mix; a share of 0.25 is the worst two and half of the third."""
    several = planted.replicates(planted.objective(3, 1, seed=0, forms=("linear",)), 10, 0.2)
    loss, at = WorstLoss(several, 0.25), np.array([[0.2, 0.5, 0.3]])
    first, second, third = np.sort(loss.losses(at)[:, 0])[::-1][:3]
    assert loss.value(at)[0] == pytest.approx((first + second + 0.5 * third) / 2.5)
    step = 1e-6 * np.array([1, -1, 0])
    slope = (loss.value(at + step)[0] - loss.value(at - step)[0]) / 2
    assert loss.gradient(at[0]) @ step == pytest.approx(slope, rel=1e-4)


def test_all_replicates_alike_is_the_plain_optimum():
    aim = planted.objective(8, 3, seed=1)
    within = planted.limits(aim.anchor)
    np.testing.assert_allclose(best_robust_mix([aim] * 20, within).mix, best_mix(aim, within).mix, atol=1e-5)


def test_nothing_certain_to_gain_stays_at_the_anchor():
    """Replicates that want opposite things: every move loses in some of them."""
    aim = planted.objective(3, 1, seed=0, forms=("linear",))
    law = aim.parts[0]
    turned = replace(aim, parts=(replace(law, parameters=-law.parameters),))
    found = best_robust_mix([aim, turned] * 10, Limits(ABC))
    np.testing.assert_allclose(found.mix, aim.anchor, atol=1e-5)
    assert found.value == pytest.approx(0.0, abs=1e-9)


def test_safer_than_the_mean_where_it_matters():
    several = planted.replicates(planted.objective(6, 3, seed=2, forms=("transfer",)), 50, 0.5)
    within, loss = Limits(planted.names_of(6)), WorstLoss(several, 0.1)
    mean, robust = best_robust_mix(several, within, 1.0), best_robust_mix(several, within)
    assert robust.value < loss.value(mean.mix[None])[0] - 1e-3 * robust.range
    assert robust.value <= 1e-9


def test_a_share_of_no_replicate():
    aim = planted.objective(3, 1, seed=0)
    with pytest.raises(MixError, match=r"the worst 0\.01 of 20 replicates"):
        best_robust_mix([aim] * 20, Limits(ABC), 0.01)
