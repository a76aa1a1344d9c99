"""The exact optimum: against a fine grid, against Clarabel, and in everything that it says of itself."""

import itertools
from dataclasses import replace

import numpy as np
import planted
import pytest
from oracle import clarabel
from planted import FORMS

from mixes.errors import MixError
from mixes.laws.registry import LAWS
from mixes.optimum import exact
from mixes.optimum.best import best_mix, closest_mix
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.interior import Solver
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part, divergence, stacked
from mixes.optimum.program import Lifted, Scaled

STEP = 0.005
GRID = np.array(
    [(a, b, 1 - a - b) for a, b in itertools.product(np.arange(0, 1 + STEP / 2, STEP), repeat=2) if a + b <= 1 + 1e-9]
).clip(0)
ABC = ("a", "b", "c")
FREE = Limits(ABC)


def linear(*slopes: float) -> Objective:
    return Objective((Part(LAWS["linear"], np.array([slopes]), np.ones(1)),), np.full(len(slopes), 1 / len(slopes)))


LIMITS = {
    "none": FREE,
    "caps": Limits(ABC, (Bound("b", ("b",), high=0.3), Bound("c", ("c",), high=0.4))),
    "floor, pin": Limits(ABC, (Bound("a", ("a",), low=0.5), Bound("b", ("b",), 0.1, 0.1))),
    "sum": Limits(ABC, (Bound("ab", ("a", "b"), 0.2, 0.45),)),
    "KL": Limits(ABC, ceilings=(AtMost("kl", divergence(np.array([0.2, 0.3, 0.5])), 0.05),)),
}


@pytest.mark.parametrize("within", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("forms", [*((form,) for form in FORMS), FORMS], ids="+".join)
def test_the_grids_optimum(forms, within):
    aim = planted.objective(3, 3, seed=1, forms=forms)
    found = best_mix(aim, within)
    inside = GRID[within.met(GRID)]
    grid = aim.value(inside).min()
    assert within.met(found.mix[None])[0]
    assert found.value == aim.value(found.mix[None])[0]
    assert grid - 0.03 * found.range < found.value <= grid + found.gap
    assert 0 <= found.gap <= 1e-6 * found.range


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pull", [0.0, 0.01])
def test_never_worse_than_clarabel(seed, pull):
    aim = planted.objective(12, 4, seed, pull)
    within = planted.limits(aim.anchor)
    found, oracle = best_mix(aim, within), clarabel(aim, within)
    assert oracle is not None
    assert found.value <= aim.value(oracle[None])[0] + found.gap + 1e-8 * found.range  # its bounds hold to 1e-9
    assert aim.value(oracle[None])[0] - found.value < 1e-5 * found.range
    np.testing.assert_allclose(found.mix, oracle, atol=3e-3)


def test_a_family_is_kept_from_getting_worse():
    aim = planted.objective(8, 3, seed=0, forms=("transfer",))
    other = replace(
        linear(*(4 - 5 * aim.gradient(aim.anchor))), anchor=aim.anchor
    )  # what helps the one hurts the other
    there, free = float(other.value(aim.anchor[None])[0]), best_mix(aim, Limits(planted.names_of(8)))
    most = (there + float(other.value(free.mix[None])[0])) / 2
    assert most > there
    within = Limits(planted.names_of(8), ceilings=(AtMost("keep", other, most),))
    kept = best_mix(aim, within)
    assert other.value(kept.mix[None])[0] == pytest.approx(most, abs=1e-7)
    oracle = clarabel(aim, within)
    assert kept.value <= aim.value(oracle[None])[0] + kept.gap


def test_weights_that_are_zero_are_zero_and_caps_are_met_exactly():
    found = best_mix(linear(3.0, 1.0, 2.0), Limits(ABC, (Bound("b", ("b",), high=0.3),)))
    assert found.mix.tolist() == [0.0, 0.3, 0.7]


@pytest.mark.parametrize("form", FORMS)
def test_units_do_not_matter(form):
    aim = planted.objective(9, 4, seed=2, pull=0.01, forms=(form,))
    for unit in (1e3, 1e-3):
        parts = tuple(replace(part, values=part.values * unit) for part in aim.parts)
        other = best_mix(Objective(parts, aim.anchor, aim.pull * unit), planted.limits(aim.anchor))
        np.testing.assert_allclose(other.mix, best_mix(aim, planted.limits(aim.anchor)).mix, atol=1e-6)


def test_among_equally_good_mixes_the_one_closest_to_the_anchor():
    """b and c are alike, d is worse: the weight that a cannot take goes to b and c, a move of equal length for both."""
    anchor = np.array([0.1, 0.5, 0.2, 0.2])
    aim = replace(linear(1.0, 2.0, 2.0, 3.0), anchor=anchor)
    within = Limits(tuple("abcd"), (Bound("a", ("a",), high=0.4),))
    np.testing.assert_allclose(best_mix(aim, within).mix, [0.4, 0.45, 0.15, 0.0], atol=1e-4)
    flat = replace(linear(1.0, 1.0, 1.0, 1.0), anchor=anchor)
    np.testing.assert_allclose(best_mix(flat, Limits(tuple("abcd"))).mix, anchor, atol=1e-6)


def test_a_strong_pull_ends_at_the_anchor():
    aim = planted.objective(6, 2, seed=0, pull=1e4)
    np.testing.assert_allclose(best_mix(aim, Limits(planted.names_of(6))).mix, aim.anchor, atol=1e-4)


def test_one_mix_alone():
    within = Limits(ABC, tuple(Bound(name, (name,), high=cap) for name, cap in zip(ABC, (0.5, 0.3, 0.2), strict=True)))
    assert best_mix(linear(3.0, 1.0, 2.0), within).mix.tolist() == [0.5, 0.3, 0.2]


def test_prices_are_what_loosening_brings():
    aim = planted.objective(8, 3, seed=3, forms=("transfer", "log_linear"))
    names = planted.names_of(8)

    free = best_mix(aim, Limits(names)).mix
    order = np.argsort(free)
    few, most, middle = [names[i] for i in order[:3]], names[order[-1]], names[order[-2]]

    def within(cap: float = 0.0, low: float = 0.0, kl: float = np.inf) -> Limits:
        bounds = (
            Bound("cap", (most,), high=0.8 * free.max() + cap),
            Bound("sum", tuple(few), free[order[:3]].sum() + 0.1 - low),
            Bound("pin", (middle,), 0.1, 0.1),
        )
        return Limits(names, bounds, (AtMost("kl", divergence(aim.anchor), kl),) if np.isfinite(kl) else ())

    kl = 0.95 * divergence(aim.anchor).value(best_mix(aim, within()).mix[None])[0]
    found = best_mix(aim, within(kl=kl))
    assert set(found.prices) == {"cap", "sum", "pin", "kl"}
    for name, loosened in (
        ("cap", {"cap": 1e-5, "kl": kl}),
        ("sum", {"low": 1e-5, "kl": kl}),
        ("kl", {"kl": kl + 1e-5}),
    ):
        gained = found.value - best_mix(aim, within(**loosened)).value
        assert found.prices[name] == pytest.approx(gained * 1000, rel=0.02), name


def test_what_is_not_optimal_is_refused(monkeypatch):
    monkeypatch.setattr("mixes.optimum.interior.ITERATIONS", 3)
    aim = planted.objective(12, 4, seed=0)
    for kl in (None, 0.3):
        with pytest.raises(MixError, match="1e-06 is allowed"):
            best_mix(aim, planted.limits(aim.anchor, kl))


@pytest.mark.parametrize("seed", range(3))
def test_the_gap_is_a_bound_whatever_the_solver_says(monkeypatch, seed):
    """A solver that stops anywhere gets a wide gap, never a wrong one."""
    aim, names = planted.objective(12, 4, seed), planted.names_of(12)
    free = best_mix(aim, Limits(names)).mix
    within = Limits(names, (Bound("few", names[::2], 0.0, 0.6 * free[::2].sum()), Bound("one", names[1:2], low=0.1)))
    best = best_mix(aim, within)
    assert "few" in best.prices
    monkeypatch.setattr(exact, "OPTIMAL", 10.0)
    for iterations in range(1, 12):
        monkeypatch.setattr("mixes.optimum.interior.ITERATIONS", iterations)
        early = best_mix(aim, within)
        assert early.value - early.gap <= best.value + 1e-12
        assert early.value >= best.value - best.gap


@pytest.mark.parametrize("forms", [("linear",), FORMS], ids="+".join)
def test_any_multipliers_at_any_mix_give_a_bound(forms):
    aim, names = planted.objective(6, 3, seed=2, forms=forms), planted.names_of(6)
    within = Limits(
        names,
        (Bound("few", names[:3], 0.2, 0.6), Bound("half", names[2:5], 0.5, 0.5), Bound("one", names[:1], 0.05, 0.4)),
        (AtMost("kl", divergence(aim.anchor), 0.3),),
    )
    best, rng = best_mix(aim, within), np.random.default_rng(0)
    terms = [Scaled(aim, best.value, 1.0), *within.scaled]
    nothing = np.zeros(0)
    lifted = Lifted(within.room, within.centre, terms, np.zeros((2, 0)), nothing, nothing, aim.anchor)
    solver = Solver(lifted.program)
    end = solver.solve(within.centre[None]).of(0)
    assert -1e-6 < lifted.bound(end, solver.of_rows, solver.of_convex)[0] <= 1e-12
    for _ in range(300):
        size = 10 ** rng.uniform(-3, 2)
        corner = within.room.least(rng.normal(size=6))
        point = replace(
            end,
            x=corner + rng.choice([1e-3, 0.1, 0.5]) * (within.centre - corner),
            multipliers=rng.exponential(size, len(end.multipliers)) * (rng.random(len(end.multipliers)) < 0.3),
            of_equal=rng.normal(scale=size, size=len(end.of_equal)) * (rng.random(len(end.of_equal)) < 0.5),
        )
        assert lifted.bound(point, solver.of_rows, solver.of_convex)[0] <= 1e-12


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_most_of_the_gain_with_the_least_change(share):
    aim = planted.objective(3, 2, seed=5, forms=("transfer",))
    there, best = float(aim.value(aim.anchor[None])[0]), best_mix(aim, FREE)
    close = closest_mix(aim, FREE, share)
    assert there - close.value == pytest.approx(share * (there - best.value), rel=1e-6)
    apart, enough = divergence(aim.anchor), GRID[aim.value(GRID) <= close.value]
    nearest = apart.value(close.mix[None])[0]
    assert nearest <= apart.value(enough).min() + 1e-9
    assert nearest < apart.value(best.mix[None])[0]


def test_nothing_to_gain_stays_at_the_anchor():
    flat = replace(linear(1.0, 1.0, 1.0), anchor=np.array([0.2, 0.3, 0.5]))
    np.testing.assert_allclose(closest_mix(flat, FREE, 0.9).mix, flat.anchor, atol=1e-4)


def test_stacking_joins_tasks_of_a_form_and_drops_those_without_weight():
    kinds = [LAWS["linear"], LAWS["linear"], LAWS["linear"]]
    rows = [np.array([1.0, 2.0]), np.array([5.0, 5.0]), np.array([3.0, 1.0])]
    aim = stacked(kinds, rows, [0.25, 0.0, 0.75], np.array([0.5, 0.5]), 0.1)
    assert [part.parameters.shape for part in aim.parts] == [(2, 2)]
    assert aim.value(np.array([[0.5, 0.5]]))[0] == pytest.approx(0.25 * 1.5 + 0.75 * 2)


@pytest.mark.parametrize("forms", [FORMS, ("linear",)])
def test_many_side_by_side_are_the_same_as_one_by_one(forms):
    aim = planted.objective(8, 3, seed=4, pull=0.01, forms=forms)
    aims, names = planted.replicates(aim, 12, 0.3), planted.names_of(8)
    within = Limits(
        names,
        (Bound("few", names[:3], 0.2, 0.6), Bound("half", names[2:5], 0.5, 0.5), Bound("fixed", names[7:], 0.1, 0.1)),
        (AtMost("kl", divergence(aim.anchor), 0.5),),
    )
    together = exact.exact_mixes(aims, within)
    alone = [exact.exact_mix(one, within) for one in aims]
    assert len({tuple(optimum.mix.round(3)) for optimum in alone}) > 6
    for both in zip(together, alone, strict=True):
        np.testing.assert_allclose(*(optimum.mix for optimum in both), atol=1e-9)
        assert both[0].prices == pytest.approx(both[1].prices, rel=1e-6)


def test_of_many_side_by_side_those_without_a_proof_are_named(monkeypatch):
    monkeypatch.setattr(exact, "OPTIMAL", -1.0)
    aims, within = planted.replicates(planted.objective(5, 2, seed=4), 3, 0.1), Limits(planted.names_of(5))
    assert exact.exact_mixes(aims, within, -1.0) == [None] * 3
