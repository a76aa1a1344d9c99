"""Noise that grows with a mix's distance from the swarm's centre: seen where it is there, and only there."""

import numpy as np
import pytest
from planted_laws import MEAN, TRUTHS, fitted, measured

from mixes.certainty.intervals import score_intervals
from mixes.certainty.local_fit import LocalFit, local_fits
from mixes.certainty.noise import estimate_noise
from mixes.certainty.precision import with_uneven_noise
from mixes.certainty.uneven import EVEN
from mixes.laws.registry import LAWS
from mixes.runs import Runs

NEAR, FAR = 0.005, 0.05


def drawn(count: int, seed: int, grows: bool) -> tuple[Runs, np.ndarray]:
    """A swarm of which the noise grows from NEAR to FAR with the largest weight, or does not; each run's noise."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(4, 1.0), size=count)
    away = np.clip((weights.max(axis=1) - 0.35) / 0.5, 0, 1) if grows else np.full(count, 0.5)
    noise = NEAR * (FAR / NEAR) ** away
    return measured(weights, TRUTHS["log_linear"](weights) + noise * rng.standard_normal((2, count))), noise


def fits_of(runs: Runs) -> dict[str, LocalFit]:
    laws = fitted(runs, LAWS["log_linear"])
    return with_uneven_noise(runs, laws, local_fits(runs, laws))[1]


def test_noise_that_grows_is_seen_and_intervals_hold_near_and_far():
    seen, inside = [], {name: {True: [], False: []} for name in ("uneven", "even")}
    for seed in range(12):
        runs, _ = drawn(80, seed, grows=True)
        fits = fits_of(runs)
        uneven = fits["s"].uneven
        seen.append(bool(uneven.slope))
        assert uneven.at(runs.weights()).mean() == pytest.approx(1)
        unseen, size = drawn(200, 100 + seed, grows=True)
        is_far = size > np.quantile(size, 0.7)
        for name, used in (("uneven", fits), ("even", local_fits(runs, fitted(runs, LAWS["log_linear"])))):
            low, high = score_intervals(used, {"s": 1.0}, unseen.weights(), 0.9).T
            hit = (low <= unseen.scores()[0]) & (unseen.scores()[0] <= high)
            inside[name][True].append(hit[is_far].mean())
            inside[name][False].append(hit[~is_far].mean())
    assert np.mean(seen) == 1
    far, near = (np.mean(inside["uneven"][side]) for side in (True, False))
    assert 0.82 < far < 0.97
    assert 0.85 < near < 0.98
    assert np.mean(inside["even"][True]) < far - 0.05  # what it was without


def test_even_noise_is_seldom_taken_for_uneven():
    assert np.mean([fits_of(drawn(80, seed, grows=False)[0])["s"].uneven == EVEN for seed in range(25)]) > 0.9


def test_replicates_show_it_too():
    runs, _ = drawn(24, 0, grows=False)
    weights, rng = np.array([[0.25] * 4, [0.94, 0.02, 0.02, 0.02]]), np.random.default_rng(0)
    many = np.repeat(weights, 40, axis=0)
    scores = TRUTHS["log_linear"](many) + np.repeat([NEAR, FAR], 40) * rng.standard_normal((2, 80))
    named = [f"{name}{i}" for name in ("near", "far") for i in range(40)]
    both = Runs.from_arrays(
        [*runs.ids, *named], [*runs.mixes, *np.repeat(["near", "far"], 40)], runs.domains, runs.tasks,
        np.concatenate([runs.weights(), many]), np.concatenate([runs.scores(), scores], axis=1), [None] * 104,
    )  # fmt: skip
    uneven = fits_of(both)["s"].uneven
    near, far = np.sqrt(uneven.at(weights))
    assert far > 2 * near


def test_without_replicates_noise_is_estimated_and_not_bounded():
    sizes = []
    for seed in range(10):
        runs, noise = drawn(40, seed, grows=False)
        found = estimate_noise(runs, MEAN, {task: task for task in runs.tasks}, fits_of(runs))
        assert found.source == "residuals"
        sizes.append(found.score["s"] / noise[0])
    assert np.mean(sizes) == pytest.approx(1, abs=0.1)
