"""Intervals of weights, gains and unseen scores hold a planted truth as often as they say."""

import numpy as np
import pytest
from planted_laws import MEAN, NOISE, TRUTHS, fitted, measured, swarm
from scipy.optimize import minimize
from scipy.stats import binom

from mixes.certainty.intervals import gain_of, score_intervals, weight_intervals
from mixes.certainty.local_fit import local_fits
from mixes.certainty.worlds import Worlds, imagine_worlds
from mixes.laws.fit import TaskLaw
from mixes.laws.registry import LAWS
from mixes.optimum.objective import Objective, Part


def solve(objective: Objective, start: np.ndarray) -> np.ndarray:
    found = minimize(
        lambda w: (objective.value(np.maximum(w, 1e-9)[None])[0], objective.gradient(np.maximum(w, 1e-9))),
        start, jac=True, method="SLSQP", bounds=[(0, 1)] * 4, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-10},
    )  # fmt: skip
    return np.clip(found.x, 0, 1)


def optima_of(worlds: Worlds, natural: np.ndarray, start: np.ndarray) -> list[np.ndarray]:
    """The best mixes (B, 4) of the worlds' truths, and those of their refits."""
    by_side = [worlds.objectives(MEAN, natural, 0.0, side) for side in ("truths", "refits")]
    return [np.array([solve(objective, start) for objective in objectives]) for objectives in by_side]


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
    """Whether these hits may come from a coverage of 85 to 95 %, where `together` of them are one draw."""
    count, share = len(hits) // together, float(np.mean(hits))
    return binom.ppf(1 - most, count, 0.85) / count <= share <= binom.ppf(most, count, 0.95) / count


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
        optima = optima_of(worlds, natural, best)
        low, high = weight_intervals(best, optima, np.zeros(4), np.ones(4), 0.9).T
        weights += ((low <= planted) & (planted <= high))[inside].tolist()
        claimed = np.mean([law.predict(np.array([natural, best])) for law in laws.values()], axis=0)
        gain = gain_of(claimed[0] - claimed[1], worlds.own_gains(optima[1], natural).errors(MEAN), 0.9)
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
        refits = optima_of(worlds, natural, best)[1]
        claimed = np.mean([law.predict(np.array([natural, best])) for law in laws.values()], axis=0)
        gain = gain_of(claimed[0] - claimed[1], worlds.own_gains(refits, natural).errors(MEAN), 0.9)
        claims.append(gain.claimed)
        left.append(gain.value)
        chances.append(gain.chance)
    assert min(claims) > 0
    assert np.mean(left) < 0.6 * np.mean(claims)
    assert np.mean(chances) < 0.9
