"""Mixes that count by their precision, over many planted swarms."""

import numpy as np
import pytest
from seeded_swarm import LINEAR, SLOPES, swarm

from mixes.certainty.precision import fit_by_precision
from mixes.certainty.seeds import noise_kept
from mixes.certainty.worlds import imagine_worlds
from mixes.laws.fit import fit_laws


def test_it_finds_the_truth_more_closely():
    """Over swarms: slopes of two domains against the third, as levels are each swarm's own."""
    weighed, alike = [], []
    for seed in range(40):
        runs, seeds = swarm(8, 8, noise=0.2, mixes=20, seed=seed)
        laws, _ = fit_by_precision(runs, LINEAR, seeds=seeds)
        plain = fit_laws(runs, LINEAR)
        for t, task in enumerate(runs.tasks):
            for found, made in ((weighed, laws), (alike, plain)):
                off = made[task].parameters - SLOPES[t]
                found.append(off - off.mean())
    assert np.square(weighed).mean() < 0.9 * np.square(alike).mean()


def test_imagined_measurements_are_as_precise_as_the_real_ones():
    runs, seeds = swarm(10, 50, noise=0.2)
    laws, fits = fit_by_precision(runs, LINEAR, seeds=seeds)
    mixes, kept = runs.by_mix().weights(), noise_kept(runs, seeds)
    spread = imagine_worlds(fits, mixes, 300, 0).errors({"arc": 1.0}, mixes).std(axis=0)  # of refits about their truths
    exact = 0.2 * np.sqrt(np.einsum("nd,de,ne->n", mixes, np.linalg.inv(mixes.T / kept @ mixes), mixes))
    assert spread == pytest.approx(exact, rel=0.35)
    assert laws["arc"].precision[:10] == pytest.approx(1 / kept[:10], rel=0.5)
