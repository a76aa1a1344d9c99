"""Limits: from settings and names to arrays, and in one line what contradicts what."""

import itertools

import numpy as np
import planted
import pytest
from oracle import clarabel
from pydantic import ValidationError

from mixes.errors import MixError
from mixes.laws.registry import LAWS
from mixes.optimum.best import best_mix
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.from_settings import anchor_of, limits_of
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part, divergence
from mixes.optimum.settings import LimitSettings

DOMAINS = ("code", "math", "web/forums", "web/news", "web/shops")
NATURAL = np.array([0.1, 0.05, 0.15, 0.4, 0.3])
FAMILIES = {"code": Objective((Part(LAWS["linear"], np.array([[1.0, 2.0, 3.0, 3.0, 3.0]]), np.ones(1)),), NATURAL)}


def ask(**settings) -> Limits:
    return limits_of(LimitSettings(**settings), DOMAINS, NATURAL, FAMILIES)


def epochs(**settings) -> Limits:
    available = dict(zip(DOMAINS, (NATURAL * 12e9).tolist(), strict=True))
    return limits_of(LimitSettings(**settings), DOMAINS, NATURAL, FAMILIES, available, 16e9, 4.0)


def test_a_name_bounds_a_domain_and_a_pattern_a_sum():
    found = ask(bounds={"web/*": [0.3, 0.8], "code": [None, 0.2], "math": 0.1})
    assert found.room.low.tolist() == [0, 0.1, 0, 0, 0]
    assert found.room.high.tolist() == [0.2, 0.1, 1, 1, 1]
    assert found.room.groups.tolist() == [[0, 0, 1, 1, 1]]
    assert (found.room.group_low.tolist(), found.room.group_high.tolist()) == ([0.3], [0.8])
    assert [bound.name for bound in found.bounds] == [
        "bounds: web/* ≥ 0.3 and ≤ 0.8", "bounds: code ≤ 0.2", "bounds: math = 0.1",
    ]  # fmt: skip


def test_epochs_are_named_with_their_tokens():
    found = epochs(epochs={"web/*": 1, "web/news": 2})
    assert [bound.name for bound in found.bounds] == [
        "epochs: code ≤ 0.3 (4 epochs of 1.2B tokens at 16B)",
        "epochs: math ≤ 0.15 (4 epochs of 600M tokens at 16B)",
        "epochs: web/forums ≤ 0.1125 (1 epochs of 1.8B tokens at 16B)",
        "epochs: web/news ≤ 0.6 (2 epochs of 4.8B tokens at 16B)",
        "epochs: web/shops ≤ 0.225 (1 epochs of 3.6B tokens at 16B)",
    ]


def test_nearness_and_families_that_are_kept():
    found = ask(most_kl=0.2, keep={"code": 0.05})
    assert [one.name for one in found.ceilings] == [
        "most_kl: at most 0.2 nats from natural", "keep: code ≤ 2.8 bpb (2.75 of natural +0.05)",
    ]  # fmt: skip
    assert found.met(NATURAL[None])[0]
    assert not found.met(np.array([[0.0, 0.0, 0.2, 0.4, 0.4]]))[0]


def test_another_mix_to_be_near():
    settings = LimitSettings(near={"code": 0.5, "math": 0.5})
    np.testing.assert_array_equal(anchor_of(settings, DOMAINS, NATURAL), [0.5, 0.5, 0, 0, 0])
    assert anchor_of(LimitSettings(), DOMAINS, NATURAL) is NATURAL
    with pytest.raises(MixError, match=r"near: weights are below 0 or sum to 0\.9, not 1"):
        anchor_of(LimitSettings(near={"code": 0.9}), DOMAINS, NATURAL)
    with pytest.raises(MixError, match="near: no domain 'maths' — did you mean 'math'"):
        anchor_of(LimitSettings(near={"maths": 1.0}), DOMAINS, NATURAL)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bounds": {"maths": 0.1}}, "bounds: no domain matches 'maths' — did you mean 'math'?"),
        ({"bounds": {"papers/*": 0.1}}, "bounds: no domain matches 'papers/*' — known are code, math, web/forums"),
        ({"epochs": {"cod": 1}, }, "epochs: no domain matches 'cod' — did you mean 'code'?"),
        ({"keep": {"coed": 0.1}}, "keep: no family or task 'coed' — did you mean 'code'?"),
    ],
)  # fmt: skip
def test_names_that_are_none(settings, said):
    with pytest.raises(MixError) as error:
        epochs(**settings)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"bounds": {"code": [0.5, 0.2]}},
        {"bounds": {"code": [-0.1, 0.2]}},
        {"bounds": {"code": 1.5}},
        {"bounds": {"code": [0.1, float("nan")]}},
        {"epochs": {"code": 0}},
        {"most_kl": 0},
        {"closest": 1.2},
        {"flor": {"code": 0.1}},
    ],
)
def test_settings_that_cannot_be(settings):
    with pytest.raises(ValidationError):
        LimitSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "named", "fix"),
    [
        ({"bounds": {"code": [0.4, None], "math": [0.01, None]}}, {"epochs: code", "bounds: code"}, "to 0.3"),
        (
            {"bounds": {"web/*": [None, 0.5], "math": [0.1, None]}},
            {"bounds: web/*", "epochs: code", "epochs: math"},
            "to 0.55",
        ),
        ({"bounds": {"web/*": [0.6, 1], "math": [0.1, 1], "code": [0.35, 1]}}, {"epochs: code", "bounds: code"}, "0.3"),
        ({"bounds": {"web/*": [0.6, 1], "web/[fs]*": 0.1, "web/news": [0.01, 0.4]}}, {"web/[fs]*", "news", "*"}, "0.5"),
        (
            {"bounds": {"web/*": [0.7, 1], "code": [0.29, 1], "math": [0.01005, 1], "web/news": [0, 0.9]}},
            {"bounds: web/*", "bounds: code", "bounds: math"},
            "to 0.01",
        ),
        ({"bounds": {"code": 0.3, "math": [0.15, 1]}, "most_kl": 0.2}, {"most_kl", "bounds: code", "bounds: math"}, ""),
        ({"bounds": {"code": 0.3, "math": [0.01, 1]}, "most_kl": 0.1}, {"most_kl", "bounds: code"}, ""),
        (
            {"bounds": {"code": [None, 0.1], "math": [0.02, 1]}, "keep": {"code": -0.3}},
            {"keep", "bounds: code", "epochs: math"},
            "",
        ),
        ({"bounds": {"math": [0.02, 1]}, "keep": {"code": -2.0}}, {"keep: code"}, "loosen it"),
    ],
)
def test_the_smallest_contradiction_is_named(settings, named, fix):
    with pytest.raises(MixError) as error:
        epochs(**settings)
    text = str(error.value)
    assert "\n" not in text
    for part in named:
        assert part in text
    assert text.count("epochs:") + text.count("bounds:") + text.count("keep:") + text.count("most_kl:") == len(named)
    assert fix in text


def test_no_smaller_set_of_limits_contradicts_itself():
    """Random contradictions of bounds: as few are named as any subset needs."""
    rng = np.random.default_rng(0)
    names, seen = planted.names_of(5), set()
    for _ in range(40):
        bounds = []
        for number in range(5):
            members = tuple(np.array(names)[rng.random(5) < 0.5]) or names[:1]
            low = float(rng.uniform(0, 0.7))
            bounds.append(Bound(f"<{number}>", members, low, min(1.0, low + float(rng.uniform(0, 0.3)))))
        fewest = next(
            (n for n in range(1, 6) if any(not possible(names, some) for some in itertools.combinations(bounds, n))),
            None,
        )
        if fewest is None:
            assert possible(names, bounds)
            continue
        seen.add(fewest)
        with pytest.raises(MixError) as error:
            Limits(names, tuple(bounds))
        assert str(error.value).count("<") == fewest
    assert len(seen) > 1


def possible(names: tuple[str, ...], bounds) -> bool:
    """By linear programming, the plain way."""
    from scipy.optimize import linprog

    rows = np.array([bound.members(names) for bound in bounds])
    right = np.concatenate([[bound.high for bound in bounds], [-bound.low for bound in bounds]])
    found = linprog(np.zeros(5), np.concatenate([rows, -rows]), right, np.ones((1, 5)), [1.0], bounds=(0, 1))
    return found.status == 0


def test_limits_that_leave_room_in_some_directions_only():
    """Floors on a group and on its rest that sum to one are equations; so are caps that do."""
    names = planted.names_of(6)
    aim = planted.objective(6, 2, seed=0)
    split = Limits(names, (Bound("first", names[:3], low=0.6), Bound("rest", names[3:], low=0.4)))
    assert best_mix(aim, split).mix[:3].sum() == pytest.approx(0.6, abs=1e-9)
    capped = Limits(
        names,
        (Bound("first", names[:3], 0.5, 0.5), *(Bound(name, (name,), high=0.5 / 3) for name in names[:3])),
    )
    np.testing.assert_allclose(best_mix(aim, capped).mix[:3], 0.5 / 3, atol=1e-9)
    oracle = clarabel(aim, Limits(names, (Bound("first", names[:3], 0.6, 0.6),)))
    assert best_mix(aim, split).value == pytest.approx(aim.value(oracle[None])[0], abs=1e-6)


def test_bad_bounds():
    for arguments in (("none", ()), ("twice", ("a", "a")), ("turned", ("a",), 0.5, 0.4), ("nan", ("a",), np.nan)):
        with pytest.raises(MixError, match=arguments[0]):
            Bound(*arguments)
    with pytest.raises(MixError, match="'x' is about 'z' — known are a, b"):
        Limits(("a", "b"), (Bound("x", ("z",)),))
    with pytest.raises(MixError, match="'x' appears twice"):
        Limits(("a", "b"), (Bound("x", ("a",)), Bound("x", ("b",))))
    with pytest.raises(MixError, match="'k' is bounded by nan"):
        AtMost("k", divergence(NATURAL), float("nan"))
