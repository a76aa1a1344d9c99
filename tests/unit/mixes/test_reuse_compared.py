"""Mixes to compare with beside reused proportions: reopening the domains that the error names makes room for them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixes.reuse.caps import opened
from mixes.reuse.identity import domain_content
from mixes.reuse.plan import ReusePlan, fold, plan_reuse
from mixes.reuse.proportions import domains_off, farthest_off

NAMES = ("books", "code", "math", "web")
CONTENTS = {name: domain_content([f"{place:032x}"]) for place, name in enumerate((*NAMES, "law"))}
PLAN: ReusePlan = plan_reuse(
    {"books": 0.1, "code": 0.2, "math": 0.3, "web": 0.4}, {name: CONTENTS[name] for name in NAMES}, CONTENTS
)


def test_a_mix_in_the_proportions_is_not_off():
    mix = {"books": 0.05, "code": 0.1, "math": 0.15, "web": 0.2, "law": 0.5}
    assert farthest_off(mix, PLAN) is None
    assert domains_off([mix], PLAN) == ()


def test_the_one_domain_that_is_off_is_named():
    mix = {"books": 0.05, "code": 0.4, "math": 0.15, "web": 0.2, "law": 0.2}
    found = farthest_off(mix, PLAN)
    assert found
    assert (found[0], found[1]) == ("code", pytest.approx(0.16))
    assert domains_off([mix], PLAN) == ("code",)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 3))
def test_with_those_mixed_anew_all_can_be_folded(seed, count):
    rng = np.random.default_rng(seed)
    mixes = [dict(zip((*NAMES, "law"), rng.dirichlet(np.ones(5)), strict=True)) for _ in range(count)]
    left = opened(PLAN, domains_off(mixes, PLAN))
    assert left
    for mix in mixes:
        fold(mix, left)
