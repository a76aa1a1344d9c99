"""Earlier proportions beside caps: a mix exists whenever one does, and no cap is loosened for it."""

import hashlib

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mixes.errors import MixError
from mixes.optimum.bounds import Bound
from mixes.optimum.holdings import Holdings
from mixes.optimum.limits import Limits
from mixes.optimum.settings import LimitSettings
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.caps import largest_weights, opened, room_within, tight_domains
from mixes.reuse.identity import domain_content
from mixes.reuse.plan import VIRTUAL, ReusePlan, fold_caps, plan_reuse


def content(*texts: str) -> str:
    """Of a domain that holds these documents."""
    return domain_content(hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts)


def a_plan(shares: dict[str, float], *new: str) -> ReusePlan:
    """Reuses these shares beside new domains."""
    earlier = {name: content(name) for name in shares}
    return plan_reuse(shares, earlier, earlier | {name: content(name) for name in new})


def feasible(caps: dict[str, float], plan: ReusePlan) -> bool:
    """Whether the optimiser's own limits find a folded mix within the caps."""
    bounds = [Bound(f"cap {name}", (name,), high=cap) for name, cap in fold_caps(caps, plan).items() if cap < 1]
    try:
        return bool(Limits(plan.domains, tuple(bounds)).centre.sum())
    except MixError:
        return False


def test_a_domain_at_its_cap_is_opened_where_another_one_shrank():
    """Each token at most once at 1 M: code stands at its cap, law shrank, and only web has tokens left."""
    plan = a_plan({"code": 0.2, "web": 0.4, "books": 0.2, "talk": 0.2}, "law")
    tokens = {"code": 2e5, "web": 7e5, "books": 2.4e5, "talk": 3e5, "law": 5e4}
    caps = largest_weights(Holdings(available=tokens), RecommendSettings(budget="1M", max_epochs=1.0))
    assert caps == pytest.approx({"code": 0.2, "web": 0.7, "books": 0.24, "talk": 0.3, "law": 0.05})
    assert room_within(caps, plan) == pytest.approx(1.05)
    assert tight_domains(caps, plan) == ()
    tokens["law"], tokens["talk"] = 1e4, 1.5e5
    caps = largest_weights(Holdings(available=tokens), RecommendSettings(budget="1M", max_epochs=1.0))
    assert not feasible(caps, plan)
    assert tight_domains(caps, plan) == ("talk", "code")
    left = opened(plan, ["talk", "code"])
    assert left is not None
    assert left.frozen == pytest.approx({"books": 1 / 3, "web": 2 / 3})
    assert left.open == ("code", "law", "talk")
    assert feasible(caps, left)
    assert not feasible(caps, opened(plan, ["talk"]))


def test_caps_that_sum_to_one_leave_no_proportions_but_their_own():
    plan = a_plan({"code": 0.5, "web": 0.5}, "law")
    assert tight_domains({"code": 0.3, "web": 0.3, "law": 0.4}, plan) == ()
    assert tight_domains({"code": 0.2, "web": 0.4, "law": 0.4}, plan) == ("code",)
    assert opened(plan, ["code", "web"]) is None


numbers = st.lists(st.floats(0.02, 1), min_size=2, max_size=6)


@given(numbers, numbers, numbers, st.floats(1.001, 3))
def test_a_mix_exists_whenever_one_does_and_no_fewer_domains_would_do(shares, kept, new, room):
    assume(len(shares) <= len(kept))
    kept = kept[: len(shares)]
    plan = a_plan({f"k{i}": share / sum(shares) for i, share in enumerate(shares)}, *(f"n{i}" for i in range(len(new))))
    plain = {f"k{i}": cap for i, cap in enumerate(kept)} | {f"n{i}": cap for i, cap in enumerate(new)}
    caps = {name: room * cap / sum(plain.values()) for name, cap in plain.items()}
    assume(max(caps.values()) <= 1)  # so they sum to more than 1: a mix exists
    tight = tight_domains(caps, plan)
    left = opened(plan, tight)
    assert left is None or feasible(caps, left)
    if tight and (before := opened(plan, tight[:-1])):
        assert not feasible(caps, before)
        last = before.frozen[tight[-1]]
        assert caps[tight[-1]] / last == pytest.approx(fold_caps(caps, before)[VIRTUAL])


def test_epochs_of_single_domains_cap_the_reused_ones():
    tokens = {"code": 1e5, "web": 6e5, "law": 3e5}
    limits = LimitSettings(epochs={"code": 1.0, "l*": 8.0})
    settings = RecommendSettings(max_epochs=1.5, limits=limits)
    caps = largest_weights(Holdings(available=tokens, caps={"code": 1.0, "web": 0.5, "law": 1.0}), settings)
    assert caps == pytest.approx({"code": 0.1, "web": 0.5, "law": 1.0})
    assert np.isclose(fold_caps(caps, a_plan({"code": 0.5, "web": 0.5}, "law"))[VIRTUAL], 0.2)
