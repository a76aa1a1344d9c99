"""Ways to spend a budget over sizes: which there are, and what they are worth in imagined worlds."""

import numpy as np
import pytest

from mixes.errors import MixError
from mixes.laws.ladder import ladder_to
from mixes.optimum.limits import Limits
from mixes.planning.allocation import FEWEST, Allocation, Step, allocations
from mixes.planning.imagined import compared, expected_of, truths_of
from mixes.planning.setting import AtHand, Setting
from mixes.runs import Size

DOMAINS = ("books", "code", "math", "web")
SIZES = tuple(Size(n, 20 * n) for n in (1e6, 2e6, 5e6))
SMALL, MIDDLE, LARGE = SIZES
COSTS = {size: size.parameters * size.tokens / (SMALL.parameters * SMALL.tokens) for size in SIZES}  # of one small run
ASKED = Size(8e6, 1.6e8)
MIXES = np.concatenate([np.full((1, 4), 0.25), np.random.default_rng(0).dirichlet(np.ones(4), 99)])


def setting(**changes) -> Setting:
    return Setting(**{
        "domains": DOMAINS, "mixes": MIXES, "limits": Limits(DOMAINS), "pull": 0.5, "ladder": ladder_to(SIZES, ASKED),
        **changes,
    })  # fmt: skip


@pytest.fixture(scope="module")
def plain() -> Setting:
    return setting()


def test_every_way_keeps_to_the_budget_and_has_enough_runs():
    ways = allocations(COSTS, 300, ASKED)
    assert ways[0] == Allocation((Step(SMALL, 300),))
    assert len(set(ways)) == len(ways)
    for way in ways:
        assert 0.9 * 300 <= way.cost(COSTS) <= 300
        assert all(step.runs >= FEWEST for step in way.steps)
    assert {step.size for way in ways for step in way.steps} == set(SIZES)
    alone = [way for way in ways if way.steps[0].chosen]
    assert not alone  # nothing says yet which mixes matter
    assert [way for way in allocations(COSTS, 300, ASKED, (SMALL,), 20) if way.steps[0].chosen]


def test_sizes_of_which_the_budget_buys_too_few_are_left_out():
    assert {step.size for way in allocations(COSTS, 40, ASKED) for step in way.steps} == {SMALL, MIDDLE}
    with pytest.raises(MixError, match="pay for 6 proxies of 1M:20M"):
        allocations(COSTS, 6.5, ASKED)
    assert allocations(COSTS, 6.5, ASKED, (SMALL,), 20)[0] == Allocation((Step(SMALL, 6),))
    with pytest.raises(MixError, match="pay for 0 proxies"):
        allocations(COSTS, 0.5, ASKED, (SMALL,), 20)


def test_only_sizes_from_which_a_law_reaches_the_asked_one_are_combined():
    far = Size(2e7, 4e8)  # 20 times SMALL: beyond twice the range from SMALL to MIDDLE
    assert {step.size for way in allocations(COSTS, 300, far) for step in way.steps} == {SMALL, LARGE}
    at_hand = (SMALL, LARGE)  # with these, MIDDLE reaches it too
    assert {step.size for way in allocations(COSTS, 300, far, at_hand, 20) for step in way.steps} == set(SIZES)


def test_more_runs_leave_less_regret_and_a_narrower_interval(plain):
    truths = truths_of(plain, 40)
    few, many = (expected_of(plain, truths, Allocation((Step(SMALL, runs),))) for runs in (12, 96))
    assert 0 <= many.regret < few.regret
    assert many.half_width < few.half_width
    again = expected_of(plain, truths_of(plain, 40), Allocation((Step(SMALL, 12),)))
    assert np.array_equal(again.regrets, few.regrets)


def test_runs_that_count_for_several_are_about_as_good_as_themselves(plain):
    truths = truths_of(plain, 40)
    close, more = (expected_of(plain, truths, Allocation((Step(SMALL, runs),))) for runs in (96, 400))
    assert more.regret < close.regret


def test_a_run_near_the_asked_size_tells_more(plain):
    truths = truths_of(plain, 40)
    small, large = (expected_of(plain, truths, Allocation((Step(size, 96),))) for size in (SMALL, LARGE))
    assert large.regret < 0.8 * small.regret
    assert large.half_width < small.half_width


def test_runs_at_hand_tell_what_is_left_to_learn():
    rng = np.random.default_rng(1)
    scores = (0.3 + 2 * MIXES[:24, 1] ** 0.5 + MIXES[:24, 2] ** 0.5) ** -0.5
    noisy = scores + 0.02 * scores.std() * rng.standard_normal(24)
    known = setting(at_hand=AtHand(MIXES[:24], (SMALL,) * 24, noisy, tuple(f"m{i}" for i in range(24))))
    truths = truths_of(known, 40)
    assert truths.noise < 0.3 * scores.std()
    assert truths.best[:, 1].mean() > 0.4  # code is worth most
    ways = [Allocation((Step(SMALL, 12),)), Allocation((Step(LARGE, 6, chosen=True),))]
    results = compared(known, ways, lambda done, total: None, 40)
    assert results[0].regret <= results[1].regret < scores.std()
