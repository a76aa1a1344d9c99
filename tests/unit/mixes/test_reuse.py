"""Reuse: content decides what a domain is, folded mixes unfold to earlier proportions, stale evidence is refused."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixes.errors import MixError
from mixes.reuse.identity import Origin, compare_domains, domain_content, refuse_stale, stale_domains
from mixes.reuse.plan import (
    VIRTUAL,
    draw_reusing_swarm,
    fold,
    fold_caps,
    fold_runs,
    plan_reuse,
    unfold,
)
from mixes.runs import Run, Runs
from mixes.swarm import SwarmSettings


def content(*texts: str) -> str:
    """Of a domain that holds these documents."""
    return domain_content(hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts)


EARLIER = {"books": content("b1", "b2"), "code": content("c1"), "web": content("w1", "w2", "w3")}
MIX = {"books": 0.25, "code": 0.25, "web": 0.5}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (EARLIER, {name: ("same", (name,)) for name in EARLIER}),
        ({**EARLIER, "math": content("m")}, {"math": ("added", ())}),
        ({"books": EARLIER["books"], "web": EARLIER["web"]}, {"books": ("same", ("books",))}),
        ({**EARLIER, "code": content("c1", "c2")}, {"code": ("changed", ("code",))}),
        ({"tomes": EARLIER["books"], "code": EARLIER["code"]}, {"tomes": ("renamed", ("books",))}),
        ({"web": EARLIER["books"], "books": EARLIER["web"]}, {"web": ("renamed", ("books",))}),
        ({"web/a": content("w2"), "web/b": content("w3", "w1")}, {"web/a": ("split", ("web",))}),
        ({"web": content("w2"), "rest": content("w3", "w1")}, {"web": ("split", ("web",))}),
        ({"a": content("w2"), "b": content("w3", "w1"), "web": content("x")}, {"web": ("added", ())}),
        ({"text": content("w1", "b2", "w3", "b1", "w2")}, {"text": ("merged", ("books", "web"))}),
        ({"web/a": content("w2"), "web/b": content("w3")}, {"web/a": ("added", ())}),  # w1 is lost: no split
    ],
)
def test_content_decides_what_became_of_a_domain(now, expected):
    found = compare_domains(EARLIER, now)
    assert list(found) == sorted(now)
    assert {name: found[name] for name in expected} == {name: Origin(*origin) for name, origin in expected.items()}


def test_two_splits_and_a_merger_at_once():
    old = {"a": content("1", "2", "3"), "b": content("4", "5"), "c": content("6"), "d": content("7")}
    now = {"p": content("1"), "q": content("2", "3"), "r": content("4"), "s": content("5"), "t": content("6", "7")}
    found = compare_domains(old, now)
    assert {name: (origin.fate, origin.earlier) for name, origin in found.items()} == {
        "p": ("split", ("a",)), "q": ("split", ("a",)), "r": ("split", ("b",)), "s": ("split", ("b",)),
        "t": ("merged", ("c", "d")),
    }  # fmt: skip


def test_an_earlier_name_may_be_gone_and_taken_at_once():
    plan = plan_reuse(MIX, EARLIER, {"web": EARLIER["books"], "code": EARLIER["code"]})
    assert plan.frozen == {"code": 0.5, "web": 0.5}
    assert plan.origins["web"] == Origin("renamed", ("books",))
    assert plan.removed == ("web",)


def test_olmixs_example():
    """Earlier weights ¼, ¼, ½; the folded mix (0.4, 0.6) is 0.1, 0.1, 0.2, 0.6 in full (Olmix, section 4.2)."""
    plan = plan_reuse(MIX, EARLIER, {**EARLIER, "math": content("m")})
    assert plan.domains == (VIRTUAL, "math")
    full = unfold({VIRTUAL: 0.4, "math": 0.6}, plan)
    assert full == pytest.approx({"books": 0.1, "code": 0.1, "web": 0.2, "math": 0.6})


def test_full_and_partial_reuse():
    now = {**EARLIER, "math": content("m"), "web": content("w1")}
    assert plan_reuse(MIX, EARLIER, now).open == ("math", "web")
    partial = plan_reuse(MIX, EARLIER, now, ["c*"])
    assert partial.open == ("code", "math", "web")
    assert partial.frozen == {"books": 1.0}
    assert partial.origins["code"].fate == "same"


weights = st.lists(st.floats(0.001, 1), min_size=2, max_size=8)


@given(weights, weights)
def test_unfold_and_fold_undo_each_other(kept, opened):
    earlier = {f"k{i}": content(f"k{i}") for i in range(len(kept))}
    now = earlier | {f"o{i}": content(f"o{i}") for i in range(len(opened) - 1)}
    plan = plan_reuse({name: w / sum(kept) for name, w in zip(earlier, kept, strict=True)}, earlier, now)
    folded = {name: w / sum(opened) for name, w in zip(plan.domains, opened, strict=True)}
    full = unfold(folded, plan)
    assert sum(full.values()) == pytest.approx(1)
    assert fold(full, plan) == pytest.approx(folded)
    assert full["k0"] * kept[1] == pytest.approx(full["k1"] * kept[0])


def test_a_mix_of_another_swarm_is_not_folded():
    plan = plan_reuse(MIX, EARLIER, {**EARLIER, "math": content("m")})
    runs = Runs((Run("r", "m", {"books": 0.5, "code": 0.1, "web": 0.1, "math": 0.3}, {"sciq": 1.0}),))
    with pytest.raises(MixError, match=r"run r: domain 'books' has weight 0\.5, not the reused 0\.175"):
        fold_runs(runs, plan)


def test_the_virtual_domain_is_capped_by_its_tightest_member():
    plan = plan_reuse(MIX, EARLIER, {**EARLIER, "math": content("m")})
    caps = {"books": 0.05, "code": 1.0, "web": 0.3, "math": 0.7}
    assert fold_caps(caps, plan) == {VIRTUAL: pytest.approx(0.2), "math": 0.7}
    for name, weight in unfold({VIRTUAL: 0.2, "math": 0.8}, plan).items():
        assert weight <= caps[name] + 1e-9 or name == "math"


def test_a_reusing_swarm_can_be_trained_on_and_folded():
    plan = plan_reuse(MIX, EARLIER, {**EARLIER, "math": content("m"), "law": content("l")})
    tokens = {"books": 300_000, "code": 100_000, "web": 600_000, "math": 500_000, "law": 500_000}
    swarm = draw_reusing_swarm(tokens, 2_000_000, SwarmSettings(mixes=20), 3, plan)
    assert swarm == draw_reusing_swarm(dict(reversed(tokens.items())), 2_000_000, SwarmSettings(mixes=20), 3, plan)
    assert len(swarm) == 28  # 20, natural, uniform; three of them in two more seeds
    for candidate in swarm:
        assert set(candidate.weights) == set(tokens)
        assert sum(candidate.weights.values()) == pytest.approx(1, abs=1e-9)
        assert candidate.weights["web"] == pytest.approx(2 * candidate.weights["code"], abs=1e-5)
        assert all(2_000_000 * weight <= 4 * tokens[name] + 2 for name, weight in candidate.weights.items())
        assert all(weight == round(weight, 6) for weight in candidate.weights.values())
    natural = fold(swarm[0].weights, plan)
    assert natural == pytest.approx({VIRTUAL: 0.5, "math": 0.25, "law": 0.25}, abs=1e-5)
    runs = Runs(tuple(Run(f"r{i}", c.mix, c.weights, {"sciq": 1.0}) for i, c in enumerate(swarm)))
    folded = fold_runs(runs, plan)
    assert folded.domains == (VIRTUAL, "law", "math")
    assert np.allclose(folded.weights().sum(axis=1), 1)


def test_a_swarm_over_few_folded_domains_is_large_enough_for_cross_validation():
    plan = plan_reuse(MIX, EARLIER, {**EARLIER, "math": content("m")})
    tokens = {"books": 200_000, "code": 300_000, "web": 900_000, "math": 300_000}
    assert len({c.mix for c in draw_reusing_swarm(tokens, 10_000, SwarmSettings(), 3, plan)}) == 10 + 2
    assert len({c.mix for c in draw_reusing_swarm(tokens, 10_000, SwarmSettings(mixes=4), 3, plan)}) == 4 + 2


def test_nothing_to_find_and_nothing_to_reuse():
    with pytest.raises(MixError, match="no domain is new or changed"):
        draw_reusing_swarm({"books": 1, "code": 1, "web": 1}, 1, SwarmSettings(), 0, plan_reuse(MIX, EARLIER, EARLIER))
    with pytest.raises(MixError, match="no domain that has a weight in the earlier recommendation is left"):
        plan_reuse(MIX, EARLIER, {"math": content("m")})
    with pytest.raises(MixError, match=r"reuse\.partial: 'wbe' matches no domain — did you mean 'web'\?"):
        plan_reuse(MIX, EARLIER, EARLIER, ["wbe"])
    with pytest.raises(MixError, match="earlier recommendation: 'math' is unknown"):
        plan_reuse({**MIX, "math": 0.0}, EARLIER, EARLIER)


def test_stale_evidence_is_refused_unless_allowed():
    now = {"tomes": EARLIER["books"], "code": content("c1", "c2"), "math": content("m")}
    assert stale_domains(EARLIER, now) == ["code", "web"]
    with pytest.raises(MixError, match=r"ratios\.csv: stale, since the content of 'code', 'web' .* `allow_stale`"):
        refuse_stale(EARLIER, now, "ratios.csv")
    assert refuse_stale(EARLIER, now, "ratios.csv", allowed=True) == ["code", "web"]
    assert refuse_stale(EARLIER, EARLIER | {"math": content("m")}, "ratios.csv") == []
