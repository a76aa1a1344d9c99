"""Intervals hold planted truths about as often as they say: of unseen scores, of weights, of gains."""

import numpy as np
import pytest
from planted_laws import MEAN, NOISE, TRUTHS, fitted, measured, swarm

from mixes.certainty.intervals import gain_of, score_intervals
from mixes.certainty.local_fit import local_fits
from mixes.certainty.worlds import imagine_worlds
from mixes.laws.registry import LAWS


class Mean:
    """A law without slopes: every mix scores the mean."""

    name, convex = "mean", True

    def fit(self, weights, scores, rows, initial=None):
        return (rows * scores).sum(axis=1, keepdims=True) / rows.sum(axis=1, keepdims=True)

    def predict(self, parameters, weights):
        return np.repeat(parameters, len(weights), axis=1)


def test_held_out_residuals_of_the_linear_law_are_those_of_refits():
    runs = swarm("linear", 0)
    weights, scores = runs.weights(), runs.scores()
    found = local_fits(runs, fitted(runs, LAWS["linear"]))["s"].held_out
    for i in range(len(scores[0])):
        kept = np.arange(len(scores[0])) != i
        without = np.linalg.lstsq(weights[kept], scores[0, kept], rcond=None)[0]
        assert found[i] == pytest.approx(weights[i] @ without - scores[0, i], abs=1e-6)


def test_held_out_residuals_of_the_transfer_law_are_nearly_those_of_refits():
    runs = swarm("transfer", 0)
    weights, scores, kind = runs.weights(), runs.scores(), LAWS["transfer"]
    fit = local_fits(runs, fitted(runs, kind))["s"]
    count = len(scores[0])
    without = kind.fit(weights, np.tile(scores[0], (count, 1)), 1 - np.eye(count))
    exact = np.diagonal(kind.predict(without, weights)) - scores[0]
    assert np.abs(fit.held_out - exact).mean() < 0.5 * np.abs(fit.residuals - exact).mean()
    assert fit.noise == pytest.approx(NOISE, rel=0.4)


def test_intervals_are_wider_far_from_the_swarm():
    rng = np.random.default_rng(1)
    weights = rng.dirichlet(np.full(4, 20.0), size=24)
    runs = measured(weights, TRUTHS["transfer"](weights) + NOISE * rng.standard_normal((2, 24)))
    fits = local_fits(runs, fitted(runs, LAWS["transfer"]))
    initial, far = score_intervals(fits, MEAN, np.array([[0.25] * 4, [0.97, 0.01, 0.01, 0.01]]), 0.9)
    assert far[1] - far[0] > 1.5 * (initial[1] - initial[0])


def test_a_law_without_slopes_has_intervals_too():
    runs, unseen = swarm("transfer", 0), swarm("transfer", 1, count=100)
    fits = local_fits(runs, fitted(runs, Mean()))
    low, high = score_intervals(fits, {"s": 1.0}, unseen.weights(), 0.9).T
    assert 0.8 < ((low <= unseen.scores()[0]) & (unseen.scores()[0] <= high)).mean() <= 1
    worlds = imagine_worlds(fits, runs.weights(), 20, 0)
    spread = worlds.errors({"s": 1.0}, runs.weights()[:1]).std()
    assert spread == pytest.approx(runs.scores()[0].std() / np.sqrt(24), rel=0.6)


def test_the_gain_of_a_mix_that_nobody_chose_is_the_difference_of_two_scores():
    runs = swarm("log_linear", 0)
    worlds = imagine_worlds(local_fits(runs, fitted(runs, LAWS["log_linear"])), runs.weights(), 20, 0)
    one, other = np.full(4, 0.25), np.array([0.7, 0.1, 0.1, 0.1])
    error = worlds.errors(MEAN, np.array([one, other]))
    np.testing.assert_allclose(worlds.own_gains(one, other).errors(MEAN), error[:, 1] - error[:, 0])


def test_worlds_are_the_same_again_and_keep_tasks_together():
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(4), size=24)
    shared = NOISE * rng.standard_normal(24)
    runs = measured(weights, TRUTHS["log_linear"](weights) + shared)  # both tasks err alike
    fits = local_fits(runs, fitted(runs, LAWS["log_linear"]))
    one, other = (imagine_worlds(fits, weights, 40, 3) for _ in range(2))
    np.testing.assert_array_equal(one.refits["s"], other.refits["s"])
    at = weights[:1]
    both = np.corrcoef(one.errors({"s": 1.0}, at)[:, 0], one.errors({"t": 1.0}, at)[:, 0])[0, 1]
    assert both > 0.3  # 0 ± 0.16 if they went alone


def test_a_world_that_explodes_does_not_carry_the_gain_away():
    errors = np.append(np.zeros(99), 1e6)
    assert gain_of(0.1, errors, 0.9).value == pytest.approx(0.1)
