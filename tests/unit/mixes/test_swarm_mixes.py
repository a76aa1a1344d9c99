"""The swarm's mixes keep their promises; targets name what exists."""

import itertools

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.swarm import SwarmSettings, draw_swarm
from mixes.target import task_weights

TOKENS = {"web": 5_000_000, "code": 1_000_000, "math": 400_000, "tiny": 60_000}
FAMILIES = {"humaneval": "code", "mbpp": "code", "gsm8k": "math"}


def test_mixes_are_distributions_within_caps_and_apart():
    settings = SwarmSettings(mixes=20, max_epochs=3)
    swarm = draw_swarm(TOKENS, 200_000, settings, seed=1)
    mixes = {candidate.mix: candidate.weights for candidate in swarm}
    assert len(mixes) == 22
    seeds = {mix: [candidate.seed for candidate in swarm if candidate.mix == mix] for mix in mixes}
    assert seeds == {key: [0] for key in mixes} | {key: [0, 1, 2] for key in ("natural", "uniform", "mix-001")}
    for name, weights in mixes.items():
        assert sum(weights.values()) == pytest.approx(1, abs=1e-9)
        assert all(200_000 * weight <= 3 * TOKENS[domain] + 1 for domain, weight in weights.items())
        if name.startswith("mix-"):
            assert all(weight == 0 or weight >= settings.min_weight - 1e-6 for weight in weights.values())
    for one, other in itertools.combinations(mixes.values(), 2):
        assert 0.5 * sum(abs(one[d] - other[d]) for d in TOKENS) >= settings.min_distance - 1e-5
    assert mixes["natural"]["code"] == pytest.approx(1_000_000 / sum(TOKENS.values()), abs=1e-6)


def test_same_seed_same_swarm_and_order_of_domains_does_not_matter():
    backwards = dict(reversed(TOKENS.items()))
    assert draw_swarm(TOKENS, 10_000, SwarmSettings(), 4) == draw_swarm(backwards, 10_000, SwarmSettings(), 4)
    assert draw_swarm(TOKENS, 10_000, SwarmSettings(), 4) != draw_swarm(TOKENS, 10_000, SwarmSettings(), 5)


def test_more_mixes_keep_the_first_ones():
    few = draw_swarm(TOKENS, 10_000, SwarmSettings(mixes=5), 4)
    many = draw_swarm(TOKENS, 10_000, SwarmSettings(mixes=9), 4)
    assert {c.mix: c.weights for c in few}.items() <= {c.mix: c.weights for c in many}.items()


def test_caps_that_leave_no_room():
    with pytest.raises(MixError, match=r"raise swarm\.max_epochs"):
        draw_swarm({"a": 1000, "b": 1000}, 2000, SwarmSettings(mixes=5, max_epochs=1), 0)


def test_default_target_is_the_mean_over_families():
    assert task_weights({}, FAMILIES) == {"humaneval": 0.25, "mbpp": 0.25, "gsm8k": 0.5}


def test_targets_by_family_and_task():
    weights = task_weights({"code": 3, "gsm8k": 1}, FAMILIES)
    assert weights == pytest.approx({"humaneval": 0.375, "mbpp": 0.375, "gsm8k": 0.25})
    assert np.isclose(sum(weights.values()), 1)


@pytest.mark.parametrize(
    ("target", "said"),
    [({"cod": 1}, "did you mean 'code'"), ({"code": -1}, "must be from 0 to"), ({"code": 0}, "every weight is 0")],
)
def test_wrong_targets(target, said):
    with pytest.raises(MixError, match=said):
        task_weights(target, FAMILIES)
