"""Every law recovers what was planted, its derivatives are right, and row order is nobody's business."""

import numpy as np
import pytest

from mixes.fit import fit_laws
from mixes.laws.curve import Curve
from mixes.laws.registry import LAWS
from mixes.runs import Run, Runs

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
    "transfer": lambda w: 1.0 + (0.2 + w**0.5 @ np.array([2.0, 0.5, 0.01, 1.0, 0.1])) ** -0.8,
}


@pytest.mark.parametrize("name", LAWS)
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


@pytest.mark.parametrize("name", ["log_linear", "transfer"])
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


@pytest.mark.parametrize("name", LAWS)
def test_gradient_and_convex_expression_agree_with_predict(name):
    import cvxpy as cp

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
    np.testing.assert_allclose(law.curvature(theta, at, np.array([2.0])), 2 * np.array(bend), rtol=1e-3, atol=1e-5)
    variable = cp.Variable(DOMAINS, nonneg=True)
    expression = law.expression(theta[0], variable)
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


def make_runs(order: np.random.Generator | None = None) -> Runs:
    weights, names = mixes(25), [f"d{i}" for i in range(DOMAINS)]
    noise = np.random.default_rng(5).normal(scale=0.01, size=(2, 25))
    runs = []
    for number, w in enumerate(weights):
        scores = {
            "a": float(TRUTHS["transfer"](w) + noise[0, number]),
            "b": float(TRUTHS["linear"](w) + noise[1, number]),
        }
        pairs = list(zip(names, w.tolist(), strict=True))
        if order is not None:
            order.shuffle(pairs)
            scores = dict(reversed(scores.items()))
        runs.append(Run(f"r{number:02d}", f"m{number:02d}", dict(pairs), scores))
    if order is not None:
        order.shuffle(runs)
    return Runs(tuple(runs))


def test_shuffled_rows_and_columns_give_the_same_laws():
    straight, shuffled = fit_laws(make_runs()), fit_laws(make_runs(np.random.default_rng(1)))
    for task in straight:
        assert straight[task].kind.name == shuffled[task].kind.name
        assert straight[task].error == shuffled[task].error
        np.testing.assert_array_equal(straight[task].parameters, shuffled[task].parameters)


def test_the_planted_form_is_chosen():
    laws = fit_laws(make_runs())
    assert laws["a"].kind.name == "transfer"
    assert laws["b"].rank_correlation > 0.95
