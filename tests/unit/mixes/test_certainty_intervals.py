"""Intervals hold planted truths about as often as they say: of unseen scores, of weights, of gains."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from mixes.certainty.intervals import gain_of, score_intervals, weight_intervals
from mixes.certainty.local_fit import local_fits
from mixes.certainty.worlds import imagine_worlds
from mixes.laws.fit import TaskLaw
from mixes.laws.registry import LAWS
from mixes.optimum.objective import Objective, Part
from mixes.runs import Run, Runs

DOMAINS, TASKS, NOISE = ("a", "b", "c", "d"), ("s", "t"), 0.02
MEAN = {"s": 0.5, "t": 0.5}
HELP = np.array([[1.0, 0.3, 0.1, 0.5], [0.2, 1.2, 0.4, 0.1]])
RATES = np.array([[-2.0, -0.5, 0.3, -1.0], [0.2, -1.5, -1.0, -0.3]])
TRUTHS = {
    "transfer": lambda w: 1 + (0.2 + HELP @ w.T**0.5) ** -0.8,
    "log_linear": lambda w: 1 + np.exp(RATES @ w.T),
    "linear": lambda w: 2 + RATES @ w.T,
}


class Mean:
    """A law without slopes: every mix scores the mean."""

    name, convex = "mean", True

    def fit(self, weights, scores, rows, near=None):
        return (rows * scores).sum(axis=1, keepdims=True) / rows.sum(axis=1, keepdims=True)

    def predict(self, parameters, weights):
        return np.repeat(parameters, len(weights), axis=1)


def measured(weights: np.ndarray, scores: np.ndarray) -> Runs:
    return Runs(
        tuple(
            Run(f"r{i:03d}", f"r{i:03d}", dict(zip(DOMAINS, w, strict=True)), dict(zip(TASKS, y, strict=True)))
            for i, (w, y) in enumerate(zip(weights.tolist(), scores.T.tolist(), strict=True))
        )
    )


def swarm(name: str, seed: int, count: int = 24, noise: float = NOISE) -> Runs:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(4), size=count)
    return measured(weights, TRUTHS[name](weights) + noise * rng.standard_normal((2, count)))


def fitted(runs: Runs, kind) -> dict[str, TaskLaw]:
    parameters = kind.fit(runs.weights(), runs.scores(), np.ones((2, len(runs.runs))))
    return {task: TaskLaw(task, kind, DOMAINS, parameters[t], 0, 0, {}, {}) for t, task in enumerate(TASKS)}


def solve(objective: Objective, start: np.ndarray) -> np.ndarray:
    found = minimize(
        lambda w: (objective.value(np.maximum(w, 1e-9)[None])[0], objective.gradient(np.maximum(w, 1e-9))),
        start, jac=True, method="SLSQP", bounds=[(0, 1)] * 4, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-10},
    )  # fmt: skip
    return np.clip(found.x, 0, 1)


def best_of(laws: dict[str, TaskLaw]) -> np.ndarray:
    part = Part(laws["s"].kind, np.array([law.parameters for law in laws.values()]), np.full(2, 0.5))
    return solve(Objective((part,), np.full(4, 0.25)), np.full(4, 0.25))


def true_best(name: str) -> np.ndarray:
    grid = np.random.default_rng(0).dirichlet(np.ones(4), size=20)
    start = grid[TRUTHS[name](grid).mean(axis=0).argmin()]
    found = minimize(
        lambda w: TRUTHS[name](np.maximum(w, 1e-9)[None]).mean(), start, method="SLSQP", bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1}, options={"ftol": 1e-12},
    )  # fmt: skip
    return np.clip(found.x, 0, 1)


def likely(hits: list[bool], most: float = 0.975, together: int = 1) -> bool:
    """Whether so many hits may come from a coverage of 85 to 95 %, where `together` of them are one draw."""
    count, share = len(hits) // together, float(np.mean(hits))
    return binom.ppf(1 - most, count, 0.85) / count <= share <= binom.ppf(most, count, 0.95) / count


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


@pytest.mark.parametrize("name", TRUTHS)
def test_unseen_scores_are_covered(name):
    hits = []
    for seed in range(15):
        runs, unseen = swarm(name, seed), swarm(name, seed + 100, count=20)
        fits = local_fits(runs, fitted(runs, LAWS[name]))
        for aim, scores in (({"s": 1.0}, unseen.scores()[0]), (MEAN, unseen.scores().mean(axis=0))):
            low, high = score_intervals(fits, aim, unseen.weights(), 0.9).T
            hits += ((low <= scores) & (scores <= high)).tolist()
    assert likely(hits, together=8)  # 20 scores share a swarm


def test_intervals_are_wider_far_from_the_swarm():
    rng = np.random.default_rng(1)
    weights = rng.dirichlet(np.full(4, 20.0), size=24)
    runs = measured(weights, TRUTHS["transfer"](weights) + NOISE * rng.standard_normal((2, 24)))
    fits = local_fits(runs, fitted(runs, LAWS["transfer"]))
    near, far = score_intervals(fits, MEAN, np.array([[0.25] * 4, [0.97, 0.01, 0.01, 0.01]]), 0.9)
    assert far[1] - far[0] > 1.5 * (near[1] - near[0])


def test_a_law_without_slopes_has_intervals_too():
    runs, unseen = swarm("transfer", 0), swarm("transfer", 1, count=100)
    fits = local_fits(runs, fitted(runs, Mean()))
    low, high = score_intervals(fits, {"s": 1.0}, unseen.weights(), 0.9).T
    assert 0.8 < ((low <= unseen.scores()[0]) & (unseen.scores()[0] <= high)).mean() <= 1
    worlds = imagine_worlds(fits, runs.weights(), 20, 0)
    spread = worlds.errors({"s": 1.0}, runs.weights()[:1]).std()
    assert spread == pytest.approx(runs.scores()[0].std() / np.sqrt(24), rel=0.6)


@pytest.mark.parametrize("name", ["transfer", "log_linear"])
def test_planted_weights_and_gains_are_covered(name):
    planted, natural = true_best(name), np.full(4, 0.25)
    inside = (planted > 1e-4) & (planted < 1 - 1e-4)
    assert inside.sum() >= 2
    weights, gains, chances = [], [], []
    for seed in range(16):
        runs = swarm(name, seed)
        laws = fitted(runs, LAWS[name])
        worlds = imagine_worlds(local_fits(runs, laws), runs.weights(), 60, seed)
        best = best_of(laws)
        optima = worlds.optima(MEAN, natural, 0.0, solve, best)
        low, high = weight_intervals(best, optima, np.zeros(4), np.ones(4), 0.9).T
        weights += ((low <= planted) & (planted <= high))[inside].tolist()
        claimed = np.mean([law.predict(np.array([natural, best])) for law in laws.values()], axis=0)
        gain = gain_of(claimed[0] - claimed[1], worlds.gain_errors(MEAN, optima[1], natural), 0.9)
        truth = TRUTHS[name](np.array([natural, best])).mean(axis=0)
        gains.append(gain.low <= truth[0] - truth[1] <= gain.high)
        chances.append(gain.chance)
    assert likely(weights, together=int(inside.sum()))
    assert np.mean(gains) >= 0.7
    assert np.mean(chances) > 0.9  # the optimum is truly better than uniform


def test_the_winners_curse_is_seen():
    """Where no mix is better, the laws promise a gain; the worlds say that it is optimism."""
    claims, left, chances = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        weights = rng.dirichlet(np.ones(4), size=24)
        runs = measured(weights, 2 + NOISE * rng.standard_normal((2, 24)))
        laws = fitted(runs, LAWS["log_linear"])
        worlds = imagine_worlds(local_fits(runs, laws), weights, 40, seed)
        best, natural = best_of(laws), np.full(4, 0.25)
        found = worlds.optima(MEAN, natural, 0.0, solve, best)[1]
        claimed = np.mean([law.predict(np.array([natural, best])) for law in laws.values()], axis=0)
        gain = gain_of(claimed[0] - claimed[1], worlds.gain_errors(MEAN, found, natural), 0.9)
        claims.append(gain.claimed)
        left.append(gain.value)
        chances.append(gain.chance)
    assert min(claims) > 0
    assert np.mean(left) < 0.6 * np.mean(claims)
    assert np.mean(chances) < 0.9


def test_the_gain_of_a_mix_that_nobody_chose_is_the_difference_of_two_scores():
    runs = swarm("log_linear", 0)
    worlds = imagine_worlds(local_fits(runs, fitted(runs, LAWS["log_linear"])), runs.weights(), 20, 0)
    one, other = np.full(4, 0.25), np.array([0.7, 0.1, 0.1, 0.1])
    error = worlds.errors(MEAN, np.array([one, other]))
    np.testing.assert_allclose(worlds.gain_errors(MEAN, one, other), error[:, 1] - error[:, 0])


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
