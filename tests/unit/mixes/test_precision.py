"""How much a mix counts for a law: by what its seeds tell where noise is what the law misses, else as any other."""

import numpy as np
import pytest
from seeded_swarm import LINEAR, OF_SEED, SLOPES, swarm

from mixes.certainty.local_fit import local_fits
from mixes.certainty.precision import fit_by_precision, precisions
from mixes.certainty.seeds import noise_kept
from mixes.laws.fit import fit_laws
from mixes.runs import Runs


def counted(runs: Runs, seeds: dict[str, int]) -> np.ndarray:
    return np.mean(list(precisions(runs, local_fits(runs, fit_laws(runs, LINEAR)), seeds).values()), axis=0)


@pytest.mark.parametrize(("replicated", "seeds"), [(3, 3), (3, 8), (10, 8), (1, 8)])
def test_the_noise_that_levelling_keeps(replicated, seeds):
    """By the formula, and as scores scatter: about each swarm's own level, which laws take for the truth's."""
    runs, used = swarm(replicated, seeds, noise=0.1)
    kept = noise_kept(runs, used)
    r, s = 1 / replicated, 1 / seeds
    assert kept[:replicated] == pytest.approx(r + s - r * s)
    assert (kept[replicated:] == 1).all()
    off = []
    for seed in range(300):
        made, _ = swarm(replicated, seeds, noise=0.1, mixes=replicated + 8, seed=seed)
        mixes = made.by_mix()
        level = OF_SEED * np.random.default_rng(seed).standard_normal((seeds, 2))[0]
        off += (mixes.scores() - SLOPES @ mixes.weights().T - level[:, None]).tolist()
    assert np.var(off, axis=0)[:replicated].mean() == pytest.approx(0.01 * (r + s - r * s), rel=0.2)


def test_where_noise_is_all_that_a_law_misses_a_mix_counts_by_what_its_seeds_tell():
    found = counted(*swarm(10, 8, noise=0.2, mixes=60))
    assert found[:10] == pytest.approx(1 / 0.2125, rel=0.35)
    assert (found[10:] == 1).all()


def test_where_the_law_is_wrong_more_seeds_make_a_mix_no_better_evidence():
    assert counted(*swarm(10, 8, noise=0.01, misfit=0.5)) == pytest.approx(1, abs=0.05)


def test_where_every_mix_has_seeds_the_first_fit_has_seen_means_only():
    """Half noise, half misfit: what is left of means is no single run's residual."""
    runs, seeds = swarm(30, 10, noise=0.1, misfit=0.1)
    assert counted(runs, seeds) == pytest.approx(0.02 / (0.01 + 0.01 * 0.13), rel=0.25)
    _, fits = fit_by_precision(runs, LINEAR, seeds=seeds)
    assert np.mean([fit.noise for fit in fits.values()]) == pytest.approx(0.02**0.5, rel=0.2)


def test_all_count_alike_where_seeds_are_unknown_or_tell_nothing():
    runs, seeds = swarm(10, 8, noise=0.2)
    one, of_one = swarm(1, 8, noise=0.2)  # its seeds' effects take all that its replicates say
    for laws, fits in (fit_by_precision(runs, LINEAR), fit_by_precision(one, LINEAR, seeds=of_one)):
        assert laws["arc"].precision is None
        assert (fits["arc"].root == 1).all()
    assert fit_by_precision(runs, LINEAR, seeds=seeds)[0]["arc"].precision is not None
