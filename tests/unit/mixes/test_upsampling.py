"""Upsampling curves give the tokens wanted, never fall, keep the cap, and agree with numeric integration."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from mixes.errors import MixError
from mixes.upsampling import UpsamplingSettings, bucket_repeats, most_tokens, upsampling_curve, weight_caps

EVEN = [1_000_000] * 20
OLMO = UpsamplingSettings()

buckets = st.lists(st.integers(0, 10_000_000), min_size=2, max_size=20).filter(lambda sizes: sum(sizes) > 0)
rules = st.builds(UpsamplingSettings, discard=st.floats(0, 0.9), cap=st.floats(0.5, 20))
shares = st.floats(0.001, 1)  # of what a domain can give


def repeats_of(sizes, wanted, rule=OLMO):
    return np.array(bucket_repeats({"web": 1.0}, wanted, {"web": sizes}, rule)["web"])


@settings(max_examples=200, deadline=None)
@given(buckets, rules, shares)
def test_tokens_are_met_the_cap_is_kept_and_better_buckets_repeat_more(sizes, rule, share):
    wanted = share * most_tokens(np.array(sizes), rule)
    repeats = repeats_of(sizes, wanted, rule)
    assert repeats @ sizes == pytest.approx(wanted, rel=1e-6)
    assert repeats.max() <= rule.cap * (1 + 1e-6)
    held = repeats[np.array(sizes) > 0]
    assert (np.diff(held) >= -1e-6 * rule.cap).all()
    assert (repeats[np.array(sizes) == 0] == 0).all()


@settings(max_examples=200, deadline=None)
@given(buckets, rules, shares, shares)
def test_more_tokens_wanted_take_no_less_of_any_bucket(sizes, rule, one, other):
    fewer, more = (
        repeats_of(sizes, share * most_tokens(np.array(sizes), rule), rule) for share in sorted((one, other))
    )
    assert (more >= fewer - 1e-6 * rule.cap).all()


@settings(max_examples=60, deadline=None)
@given(buckets, rules, shares)
def test_means_over_buckets_agree_with_numeric_integration(sizes, rule, share):
    sizes = np.array(sizes, dtype=float)
    wanted = share * most_tokens(sizes, rule)
    curve = upsampling_curve(sizes, wanted, rule)
    edges = np.cumsum([0, *sizes]) / sizes.sum()
    numeric = [
        quad(lambda x: float(curve.factor(np.array(x))), max(low, curve.start), high, epsabs=1e-12)[0]
        for low, high in itertools.pairwise(edges)
    ]
    assert repeats_of(sizes, wanted, rule) * sizes / sizes.sum() == pytest.approx(numeric, abs=1e-6)


def test_the_worst_share_is_left_out_and_the_best_bucket_is_at_the_cap():
    repeats = repeats_of(EVEN, 2.0 * sum(EVEN))
    assert (repeats[:8] == 0).all()
    assert repeats[8] > 0
    assert repeats[19] == pytest.approx(7)


def test_few_tokens_wanted_stay_a_curve():
    """Below the cap the steepest curve does not collapse onto the best bucket."""
    repeats = repeats_of(EVEN, 0.1 * sum(EVEN))
    assert repeats[19] < 7
    assert 0.2 < repeats[19] / repeats.sum() < 0.4


def test_real_sizes_decide_not_the_number_of_buckets():
    """A large worst bucket is no more discarded than its tokens allow."""
    assert repeats_of([50, 25, 25], 100.0)[0] > 0
    assert repeats_of([40, 30, 30], 100.0)[0] == 0


def test_a_domain_without_scores_repeats_evenly():
    assert bucket_repeats({"code": 0.5}, 1000, {"code": [250]}, OLMO) == {"code": [pytest.approx(2.0)]}


def test_nothing_wanted_nothing_taken():
    assert repeats_of(EVEN, 0.0).tolist() == [0.0] * 20
    assert bucket_repeats({"empty": 0.0}, 10, {"empty": [0, 0]}, OLMO) == {"empty": [0.0, 0.0]}


def test_olmos_numbers_meet_four_epochs():
    """7 × (1 − 0.4) = 4.2 average epochs can be had, so an epoch cap of 4 never fails."""
    assert most_tokens(np.array(EVEN), OLMO) == pytest.approx(4.2 * sum(EVEN))
    assert weight_caps({"web": EVEN, "code": [100]}, 4 * sum(EVEN), OLMO) == {
        "web": 1.0, "code": pytest.approx(700 / (4 * sum(EVEN)))
    }  # fmt: skip


def test_the_largest_weight_is_feasible_and_one_above_is_explained():
    budget = 10 * sum(EVEN)
    most = weight_caps({"web": EVEN}, budget, OLMO)["web"]
    assert bucket_repeats({"web": most}, budget, {"web": EVEN}, OLMO)["web"][8:] == pytest.approx([7.0] * 12)
    with pytest.raises(MixError, match=r"domain 'web', which can give 0 to 84,000,000 .* weight of at most 0\.42,"):
        bucket_repeats({"web": 0.5}, budget, {"web": EVEN}, OLMO)
    with pytest.raises(MixError, match="-1 tokens are wanted"):
        bucket_repeats({"web": -1}, 1, {"web": EVEN}, OLMO)


def test_domains_that_differ_are_named():
    with pytest.raises(MixError, match="mix: 'forum' is unknown"):
        bucket_repeats({"web": 0.5, "forum": 0.5}, 1, {"web": EVEN}, OLMO)
