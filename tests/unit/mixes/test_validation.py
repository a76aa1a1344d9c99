"""Validation: intervals that cover, multipliers that were planted, larger proxies by the rules, and what came true."""

import numpy as np
import pytest
from scipy import stats

from mixes.errors import MixError
from mixes.proxy.settings import SIZES, ProxySettings
from mixes.recommendation.validation import (
    PARTS,
    Estimate,
    agreement_of,
    budgets,
    mean_interval,
    most_repeated,
    plan_trials,
    token_multiplier,
    truth_of,
)

LONG = 1e6  # tokens of the longest run


def curve_of(bpb, offsets=0.0):
    """(n_parts, n_seeds) of a curve over tokens, each seed shifted by its offset."""
    return np.array([bpb(LONG / part) + np.asarray(offsets) for part in PARTS])


@pytest.mark.parametrize("planted", [1.25, 1.6, 2.0, 3.1, 3.9])
@pytest.mark.parametrize(
    ("bpb", "error"),
    [
        (lambda tokens: 5 - 0.2 * np.log(tokens), 1e-9),  # the shape that is interpolated, so exact
        (lambda tokens: 1 + 30 * tokens**-0.3, 0.03),  # Chinchilla's, which is bent
        (lambda tokens: 0.5 + 200 * tokens**-0.5, 0.05),
    ],
)
def test_a_planted_multiplier_is_found(planted, bpb, error):
    """Natural is a run of the same curve on `planted` times fewer tokens; seeds differ, both mixes alike."""
    seeds = np.array([-0.1, 0.0, 0.3])
    found = token_multiplier(bpb(LONG / planted) + seeds, curve_of(bpb, seeds))
    assert found.value == pytest.approx(planted, rel=max(error, 1e-9))
    assert found.low == pytest.approx(found.value)  # nothing but the seeds' common part differs
    assert found.high == pytest.approx(found.value)


def test_beyond_the_ends_nothing_is_extrapolated():
    curve = curve_of(lambda tokens: 5 - 0.2 * np.log(tokens), [0.0, 0.01, -0.01])
    noise = np.array([0.01, 0.0, -0.01])
    worse, better = token_multiplier(curve[0] - 1 + noise, curve), token_multiplier(curve[-1] + 1 + noise, curve)
    assert (worse.low, worse.value, worse.high) == (1, 1, 1)
    assert (better.low, better.value, better.high) == (pytest.approx(4),) * 3


def test_seeds_beyond_an_end_count():
    """One seed of three beats natural even on a quarter of the tokens: no number for it, but it pulls the mean up."""
    curve = np.array([[2.0, 2.0, 2.0], [2.1, 2.1, 2.1], [2.2, 2.2, 2.2]])
    found = token_multiplier(np.array([2.1, 2.1, 2.25]), curve)
    assert found.value == pytest.approx(2 * 2**0.5)  # the mean of natural is 2.15, half-way between half and quarter
    assert found.high == pytest.approx(4)


def test_a_curve_that_bends_back_gives_its_first_crossing():
    curve = np.array([[2.0, 2.0], [2.2, 2.2], [2.05, 2.05]])  # noise: a quarter better than a half
    found = token_multiplier(np.array([2.1, 2.1]), curve)
    assert found.value == pytest.approx(2**0.5)
    assert found.high == pytest.approx(4)  # where it is reached again


@pytest.mark.parametrize("shift", [-0.05, -0.01, 0.0, 0.01, 0.05])
def test_the_multiplier_is_above_one_exactly_where_the_gain_is_above_zero(shift):
    rng = np.random.default_rng(1)
    for _ in range(50):
        noise = rng.normal(0, 0.02, (4, 3))
        curve = curve_of(lambda tokens: 5 - 0.2 * np.log(tokens)) + noise[:3]
        natural = curve_of(lambda tokens: 5 - 0.2 * np.log(tokens))[0] + shift + noise[3]
        gain, found = mean_interval(natural - curve[0]), token_multiplier(natural, curve)
        assert (found.low > 1) == (gain.low > 0)
        assert (found.value > 1) == (gain.value > 0)
        assert found.low <= found.value <= found.high


def test_intervals_are_scipys_and_cover():
    rng = np.random.default_rng(0)
    covered, trials, truth = 0, 4_000, 0.3
    for _ in range(trials):
        values = rng.normal(truth, 0.1, 3)
        found = mean_interval(values)
        covered += found.low <= truth <= found.high
    assert covered / trials == pytest.approx(0.9, abs=4 * (0.9 * 0.1 / trials) ** 0.5)
    wanted = stats.t.interval(0.9, df=2, loc=values.mean(), scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx(wanted)
    first, second = rng.normal(2.0, 0.5, (2, 5))
    wanted = stats.ttest_rel(first, second).confidence_interval(0.9)
    found = mean_interval(first - second)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


@pytest.mark.parametrize("planted", [1.5, 2.0, 2.7])
def test_intervals_of_multipliers_cover(planted):
    """Noise of a seed on all runs, and of every run by itself; 90 % of the intervals hold the planted multiplier."""
    rng = np.random.default_rng(2)

    def line(tokens):
        return 5 - 0.2 * np.log(tokens)

    held, trials = 0, 1_500
    for _ in range(trials):
        seeds = rng.normal(0, 0.3, 4)
        curve = curve_of(line, seeds) + rng.normal(0, 0.02, (3, 4))
        found = token_multiplier(line(LONG / planted) + seeds + rng.normal(0, 0.02, 4), curve)
        held += found.low <= planted <= found.high
    assert held / trials == pytest.approx(0.9, abs=4 * (0.9 * 0.1 / trials) ** 0.5)


def test_pairing_by_seed_is_what_shows_a_gain():
    """Seeds move all mixes by ten times the gain. Pairs show it; with natural's seeds in another order nothing does."""
    seeds = np.array([-0.5, 0.1, 0.4, 0.2])
    noise = np.array([0.004, -0.003, 0.001, -0.002])
    curve = curve_of(lambda tokens: 5 - 0.2 * np.log(tokens), seeds)
    natural = curve[0] + 0.05 + noise
    assert mean_interval(natural - curve[0]).low > 0
    assert token_multiplier(natural, curve).low > 1.2
    shuffled = np.roll(natural, 1)
    assert mean_interval(shuffled - curve[0]).low < 0
    assert token_multiplier(shuffled, curve).low == 1


def test_the_default_size_is_the_next_on_the_ladder():
    for smaller, larger in zip(list(SIZES), [*list(SIZES)[1:], "190M"], strict=True):
        assert {one.size for one in budgets(ProxySettings(size=smaller), None, 2.0).values()} == {larger}
    assert budgets(ProxySettings(), "1M", 2.0)[1].size == "1M"


def test_the_rules_follow_the_new_size_and_what_was_said_stays():
    swarm = ProxySettings(tokens=655_360, decay=0.5)
    by_rule = budgets(swarm, None, 2.0)
    own = ProxySettings(size="400k", tokens=by_rule[1].tokens)
    assert (by_rule[1].batch, by_rule[1].learning_rate, by_rule[1].warmup) == (own.batch, own.learning_rate, own.warmup)
    assert by_rule[1].batch != swarm.batch
    assert by_rule[1].decay == 0.5
    said = budgets(ProxySettings(tokens=655_360, batch=5, learning_rate=0.007), None, 2.0)
    assert {(one.batch, one.learning_rate) for one in said.values()} == {(5, 0.007)}
    twice = 2 * 655_360
    for plan in (by_rule, said):
        step = plan[1].batch * plan[1].context
        assert 0 <= twice - plan[1].tokens < 4 * step
        assert [plan[1].steps / plan[part].steps for part in PARTS] == list(PARTS)
        assert all(one.tokens == one.steps * step for one in plan.values())


def test_a_saved_start_keeps_its_size():
    swarm = ProxySettings(size="1M", init_from="start.pt")
    assert budgets(swarm, None, 2.0)[1].size == budgets(swarm, "1M", 2.0)[1].size == "1M"
    with pytest.raises(MixError, match=r"`size` 4M cannot start from proxy\.init_from, which is 1M"):
        budgets(swarm, "4M", 2.0)


def test_bad_sizes_and_budgets_are_one_line():
    with pytest.raises(MixError, match="`size` '300k' is not on the ladder — take one of 100k, 200k"):
        budgets(ProxySettings(), "300k", 2.0)
    with pytest.raises(MixError, match="1,000 tokens are fewer than 4 batches at size 400k — raise `multiple`"):
        budgets(ProxySettings(tokens=10_000), None, 0.1)
    for odd in ("nan", "inf"):
        with pytest.raises(MixError, match=f"`multiple` {odd} is no number of times"):
            budgets(ProxySettings(), None, float(odd))


def test_all_mixes_share_seeds_and_only_the_recommended_one_is_trained_short():
    natural, mix = {"a": 2 / 3, "b": 1 / 3, "c": 0.0}, {"a": 0.1, "b": 0.2, "c": 0.7}
    trials = plan_trials(natural, mix, 3)
    counted = {part: [(one.mix, one.seed) for one in several] for part, several in trials.items()}
    assert len(counted[1]) == len(set(counted[1])) == 9
    assert {mix for mix, _ in counted[1]} == {"natural", "uniform", "recommended"}
    for part in (2, 4):
        assert counted[part] == [one for one in counted[1] if one[0] == "recommended"]
    for candidate in trials[1]:
        assert sum(candidate.weights.values()) == pytest.approx(1, abs=1e-12)


def test_the_most_repeated_domain_by_mix():
    mixes = plan_trials({"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}, 2)[1]
    found = most_repeated(mixes, {"a": 900, "b": 100}, 500)
    assert {mix: (one.domain, one.epochs) for mix, one in found.items()} == {
        "natural": ("a", pytest.approx(0.5)), "uniform": ("b", pytest.approx(2.5)),
        "recommended": ("b", pytest.approx(4)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("called", "measured", "truth"),
    [
        ("better", "better", "true"), ("better", "worse", "false"), ("better", "not_distinguishable", "not_shown"),
        ("worse", "worse", "true"), ("worse", "better", "false"), ("worse", "not_distinguishable", "not_shown"),
        ("not_distinguishable", "better", None), ("not_distinguishable", "not_distinguishable", None),
    ],
)  # fmt: skip
def test_what_came_true(called, measured, truth):
    assert truth_of(called, measured) == truth


@pytest.mark.parametrize(
    ("gain", "agreement"),
    [
        ((0.2, -1.0, 1.4), "inside"),
        ((0.5, 0.3, 0.7), "overlaps"),
        ((0.5, 0.45, 0.55), "apart"),
        ((-0.5, -0.6, -0.4), "apart"),
    ],
)
def test_agreement_with_the_predicted_interval(gain, agreement):
    assert agreement_of(Estimate(0.25, 0.1, 0.4), Estimate(*gain)) == agreement
