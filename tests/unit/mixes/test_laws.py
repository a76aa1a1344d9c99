"""Every law recovers what was planted, and its derivatives are right."""

import sys

import cvxpy as cp
import numpy as np
import pytest
from oracle import law_expression

from mixes.errors import MixError
from mixes.laws.curve import Curve
from mixes.laws.registry import LAWS

DOMAINS = 5


def mixes(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    drawn = rng.dirichlet(np.full(DOMAINS, 0.7), size=count)
    drawn[drawn < 0.02] = 0
    return drawn / drawn.sum(axis=1, keepdims=True)


RATES = np.array([1.0, 0.2, -0.5, -1.5, -3.0])
TRUTHS = {
    "linear": lambda w: w @ np.array([3.0, 2.5, 2.8, 2.0, 3.3]),
    "log_linear": lambda w: 1.5 + np.exp(w @ RATES),
    "bimix": lambda w: 1.0 + (0.1 + w @ np.array([2.0, 0.5, 0.01, 1.0, 0.1])) ** -0.5,
    "transfer": lambda w: 1.0 + (0.2 + w**0.5 @ np.array([2.0, 0.5, 0.01, 1.0, 0.1])) ** -0.8,
}


CONVEX = [name for name, law in LAWS.items() if law.convex]
FREE = [name for name in LAWS if name not in CONVEX]


@pytest.mark.parametrize("name", CONVEX)
def test_planted_law_is_recovered_on_unseen_mixes(name):
    seen, unseen, truth = mixes(60), mixes(200, seed=1), TRUTHS[name]
    scores = truth(seen)[None]
    found = LAWS[name].predict(LAWS[name].fit(seen, scores, np.ones_like(scores)), unseen)[0]
    assert np.sqrt(np.mean((found - truth(unseen)) ** 2)) < 0.05 * truth(unseen).std()


def test_planted_coefficients_are_recovered():
    seen = mixes(60)
    scores = np.array([TRUTHS["linear"](seen), TRUTHS["log_linear"](seen)])
    linear = LAWS["linear"].fit(seen, scores[:1], np.ones((1, 60)))[0]
    np.testing.assert_allclose(linear, [3.0, 2.5, 2.8, 2.0, 3.3], atol=1e-8)
    shift, scale, asymptote, *rates = LAWS["log_linear"].fit(seen, scores[1:], np.ones((1, 60)))[0]
    assert shift + scale * asymptote == pytest.approx(1.5, abs=0.1)
    np.testing.assert_allclose(
        np.array(rates) + np.log(scale), RATES, atol=0.3
    )  # scale · e^(t·w) = e^((t + ln scale)·w)


@pytest.mark.parametrize("name", ["log_linear", "bimix", "transfer"])
def test_jacobian_against_differences(name):
    law = LAWS[name]
    assert isinstance(law, Curve)
    weights = mixes(7)
    theta = law.start(DOMAINS, law.starts[0])[None] + 0.1 * np.random.default_rng(0).normal(
        size=(1, law.start(DOMAINS, law.starts[0]).size)
    )
    _, slope = law.curve(theta, weights)
    for q in range(theta.shape[1]):
        step = np.zeros_like(theta)
        step[0, q] = 1e-6
        numeric = (law.curve(theta + step, weights)[0] - law.curve(theta - step, weights)[0]) / 2e-6
        np.testing.assert_allclose(slope[..., q], numeric, atol=1e-6)
    np.testing.assert_allclose(law.curve(theta, weights)[0], law.values(theta, weights))


@pytest.mark.parametrize("name", CONVEX)
def test_gradient_and_convex_expression_agree_with_predict(name):
    law = LAWS[name]
    seen = mixes(40)
    theta = law.fit(seen, TRUTHS[name](seen)[None], np.ones((1, 40)))
    at = np.full(DOMAINS, 1 / DOMAINS)
    numeric = [
        (law.predict(theta, (at + step)[None]) - law.predict(theta, (at - step)[None]))[0, 0] / 2e-6
        for step in 1e-6 * np.eye(DOMAINS)
    ]
    np.testing.assert_allclose(law.gradient(theta, at)[0], numeric, rtol=1e-4, atol=1e-6)
    bend = [
        (law.gradient(theta, at + step) - law.gradient(theta, at - step))[0] / 2e-6 for step in 1e-6 * np.eye(DOMAINS)
    ]
    there = law.at(theta)(at)
    np.testing.assert_allclose(there.bend(np.array([2.0])), 2 * np.array(bend), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(there.values, law.predict(theta, at[None])[:, 0])
    variable = cp.Variable(DOMAINS, nonneg=True)
    expression = law_expression(law, theta[0], variable)
    assert expression.is_convex()
    variable.value = at
    assert float(expression.value) == pytest.approx(law.predict(theta, at[None])[0, 0])


def test_rows_of_weight_zero_do_not_count():
    seen, truth = mixes(40), TRUTHS["transfer"]
    scores = truth(seen)[None].copy()
    rows = np.ones((1, 40))
    rows[0, :5] = 0
    scores[0, :5] += 10.0
    with_zeros = LAWS["transfer"].fit(seen, scores, rows)
    without = LAWS["transfer"].fit(seen[5:], scores[:, 5:], rows[:, 5:])
    np.testing.assert_allclose(
        LAWS["transfer"].predict(with_zeros, seen), LAWS["transfer"].predict(without, seen), atol=1e-6
    )


def test_a_mix_that_failed_to_train_does_not_bend_the_law():
    seen, truth = mixes(60), TRUTHS["transfer"]
    scores = truth(seen)[None].copy()
    scores[0, :2] += 5 * scores.std()
    found = LAWS["transfer"].predict(LAWS["transfer"].fit(seen, scores, np.ones_like(scores)), seen)[0]
    assert np.abs(found - truth(seen))[2:].mean() < 0.1 * truth(seen).std()


def test_domains_may_bend_differently_and_help_in_proportion():
    def truth(w):
        return 1 + w @ [0.3, 0, 0, 0.2, 0] + (0.2 + (w ** np.array([0.3, 0.9, 0.5, 0.5, 0.5])).sum(axis=1)) ** -0.8

    seen, unseen = mixes(100), mixes(200, seed=1)
    scores = truth(seen)[None]
    found = LAWS["transfer"].predict(LAWS["transfer"].fit(seen, scores, np.ones_like(scores)), unseen)[0]
    assert np.sqrt(np.mean((found - truth(unseen)) ** 2)) < 0.15 * truth(unseen).std()


@pytest.mark.parametrize("name", FREE)
def test_laws_without_a_formula(name):
    law, seen, unseen, truth = LAWS[name], mixes(150), mixes(200, seed=1), TRUTHS["transfer"]
    scores = np.array([truth(seen), -truth(seen)])
    found = law.fit(seen, scores, np.ones_like(scores))
    assert found.shape == (2, 1)
    assert found.dtype == object
    predicted = law.predict(found, unseen)
    assert np.sqrt(np.mean((predicted[0] - truth(unseen)) ** 2)) < 0.4 * truth(unseen).std()
    assert np.corrcoef(predicted)[0, 1] < -0.99


def test_slope_of_the_process():
    law, seen, at = LAWS["gp"], mixes(40), np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    found = law.fit(seen, TRUTHS["transfer"](seen)[None], np.ones((1, 40)))
    steps = 1e-6 * np.eye(DOMAINS)
    numeric = (law.predict(found, at + steps) - law.predict(found, at - steps))[0] / 2e-6
    np.testing.assert_allclose(law.gradient(found, at)[0], numeric, rtol=1e-5)


def test_a_process_of_twenty_runs_is_sane():
    seen, unseen, truth = mixes(20), mixes(200, seed=1), TRUTHS["transfer"]
    found = LAWS["gp"].predict(LAWS["gp"].fit(seen, truth(seen)[None], np.ones((1, 20))), unseen)[0]
    assert np.sqrt(np.mean((found - truth(unseen)) ** 2)) < 0.6 * truth(unseen).std()


def test_a_missing_package_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MixError, match=r"lightgbm is not installed — pip install 'mixwright\[lightgbm\]'"):
        LAWS["lightgbm"].fit(mixes(10), np.ones((1, 10)), np.ones((1, 10)))


def test_replicates_near_the_whole_are_the_fits_from_scratch():
    seen, rng = mixes(50), np.random.default_rng(3)
    scores = TRUTHS["transfer"](seen)[None] + rng.normal(scale=0.02, size=(1, 50))
    law, rows = LAWS["transfer"], rng.dirichlet(np.full(50, 4.0), size=3) * 50
    near = np.tile(law.fit(seen, scores, np.ones((1, 50))), (3, 1))
    cheap = law.predict(law.fit(seen, np.tile(scores, (3, 1)), rows, near), seen)
    whole = law.predict(law.fit(seen, np.tile(scores, (3, 1)), rows), seen)
    assert np.sqrt(np.mean((cheap - whole) ** 2)) < 0.1 * scores.std()
