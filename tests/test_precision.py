"""How much a mix counts for a law: by its seeds where noise is what the law misses, and no more than others if not."""

import numpy as np
import pytest
from test_seeds import NATURAL, SLOPES, swarm, truth

from mixes.certainty.leverage import local_fits
from mixes.certainty.worlds import imagine_worlds
from mixes.fit import fit_laws
from mixes.laws.registry import LAWS
from mixes.precision import fit_by_precision, precisions
from mixes.runs import Run, Runs

LINEAR = ("linear",)


def replicated(seeds: int, noise: float, misfit: float, seed: int = 0, mixes: int = 30) -> Runs:
    """Ten of the mixes in so many seeds; `misfit` is what no linear law can say of a mix, whatever its seed."""
    rng = np.random.default_rng(seed)
    runs = []
    for number, mix in enumerate(rng.dirichlet(np.ones(3), size=mixes).tolist()):
        weights = dict(zip(sorted(NATURAL), mix, strict=True))
        own = truth(weights) + misfit * rng.standard_normal(2)
        for s in range(seeds if number < 10 else 1):
            scores = own + noise * rng.standard_normal(2)
            runs.append(
                Run(f"{number:02d}-{s}", f"mix-{number:02d}", weights, dict(zip(("arc", "mbpp"), scores, strict=True)))
            )
    return Runs(runs)


def counted(runs: Runs) -> dict[str, np.ndarray]:
    return precisions(runs, local_fits(runs, fit_laws(runs, LINEAR)))


def test_where_noise_is_all_that_a_law_misses_a_mix_counts_by_its_seeds():
    found = counted(replicated(seeds=8, noise=0.2, misfit=0.0, mixes=60))["arc"]
    assert found[:10] == pytest.approx(8, rel=0.4)
    assert (found[10:] == 1).all()


def test_where_the_law_is_wrong_more_seeds_make_a_mix_no_better_evidence():
    found = counted(replicated(seeds=8, noise=0.01, misfit=0.5))["arc"]
    assert found == pytest.approx(1, abs=0.05)


def test_the_law_is_then_that_of_all_runs_each_on_its_own():
    """A linear law, all noise: n times a mean of n runs is what least squares over the runs themselves asks for."""
    runs = replicated(seeds=50, noise=0.2, misfit=0.0)
    laws, _ = fit_by_precision(runs, LINEAR)
    alone = LAWS["linear"].fit(runs.weights(), runs.scores(), np.ones((2, len(runs))))
    plain = fit_laws(runs, LINEAR)
    for t, task in enumerate(runs.tasks):
        off = np.abs(laws[task].parameters - alone[t]).max()
        assert off < 0.25 * np.abs(plain[task].parameters - alone[t]).max()


def test_it_finds_the_truth_more_closely():
    """Over swarms: mixes with eight seeds counted as such against all counted alike."""
    weighed, alike = [], []
    for seed in range(20):
        runs = replicated(seeds=8, noise=0.2, misfit=0.0, seed=seed, mixes=20)
        laws, _ = fit_by_precision(runs, LINEAR)
        plain = fit_laws(runs, LINEAR)
        for t, task in enumerate(runs.tasks):
            weighed.append(laws[task].parameters - SLOPES[t])
            alike.append(plain[task].parameters - SLOPES[t])
    assert np.square(weighed).mean() < 0.8 * np.square(alike).mean()


def test_imagined_measurements_are_as_precise_as_the_real_ones():
    runs = replicated(seeds=50, noise=0.2, misfit=0.0)
    laws, fits = fit_by_precision(runs, LINEAR)
    mixes = runs.by_mix().weights()
    worlds = imagine_worlds(fits, mixes, 300, 0)
    spread = worlds.errors({"arc": 1.0}, mixes).std(axis=0)  # of refits about their truths, at every mix
    alone = runs.weights()
    exact = 0.2 * np.sqrt(np.einsum("nd,de,ne->n", mixes, np.linalg.inv(alone.T @ alone), mixes))
    assert spread == pytest.approx(exact, rel=0.35)
    assert fits["arc"].noise == pytest.approx(0.2, rel=0.35)
    assert laws["arc"].precision[:10] == pytest.approx(50, rel=0.6)


def test_swarms_without_replicates_are_as_before():
    runs, seeds = swarm(replicated=1, own=0.1)
    single = runs.select([i for i, run in enumerate(runs.runs) if seeds[run.id] == 0])
    laws, fits = fit_by_precision(single, LINEAR)
    assert laws["arc"].precision is None
    assert (fits["arc"].root == 1).all()
