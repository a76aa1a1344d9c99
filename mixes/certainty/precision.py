"""Laws fitted with weights: a mean over seeds counts for more than a single run.

The residual of a law has two parts: noise, of which a mean over seeds keeps a share, and what no law of its form can
express, which no seed changes. A mix whose score keeps the share k of a single run's noise variance σ² about a law that
misses by τ² counts (τ² + σ²) / (τ² + k σ²) times a single run: once where the law is wrong, 1 / k times where all is
noise. σ is measured from replicates (mixes/certainty/noise.py), τ by a first fit in which all mixes count alike.
Source: weighted least squares with two variance components (Searle, Casella and McCulloch 1992, chapter 3).

Assumed: errors of different mixes are independent. Those of levelled mixes share the error of their level, which is
two fifths of their variance where three mixes have three seeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mixes.certainty.local_fit import LocalFit, local_fits
from mixes.certainty.noise import estimate_noise
from mixes.certainty.seeds import noise_kept
from mixes.certainty.uneven import Uneven, uneven_noise
from mixes.laws.fit import LARGE, TaskLaw, fit_laws, refit_laws
from mixes.runs import Runs

ROUNDS = 2  # of a fit and of the noise about it, which depend on each other


def fit_by_precision(
    runs: Runs,
    names: Sequence[str] | None = None,
    seed: int = 0,
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[dict[str, TaskLaw], dict[str, LocalFit]]:
    """One law per task and its local fit, for runs at the level of one seed (`level_seeds`).

    Arguments and errors are those of `fit_laws`; seeds: run → its seed.

    All mixes count alike where seeds are not known, since replicates may then lie at another level than the rest. They
    also do in LARGE swarms, where a few mixes decide nothing.
    """
    laws = fit_laws(runs, names, seed, report)
    fits = local_fits(runs, laws)
    if seeds and runs.by_mix().weights().size <= LARGE and not (noise_kept(runs, seeds) == 1).all():
        laws = fit_laws(runs, names, seed, report, precisions(runs, fits, seeds))
        fits = local_fits(runs, laws)
    return with_uneven_noise(runs, laws, fits)


def with_uneven_noise(
    runs: Runs, laws: dict[str, TaskLaw], fits: Mapping[str, LocalFit]
) -> tuple[dict[str, TaskLaw], dict[str, LocalFit]]:
    """The laws and their fits, with how noise depends on the mix; where it does strongly, fitted again, each mix
    counting by its noise."""
    uneven = _uneven(runs, fits)
    fits = {task: replace(fit, uneven=uneven) for task, fit in fits.items()}
    if not uneven.is_strong:
        return laws, fits
    kept = {task: fit.shrunk for task, fit in fits.items()}
    for _ in range(ROUNDS):
        by_noise = 1 / uneven.at(runs.by_mix().weights())
        laws = refit_laws(runs, laws, {task: by_noise / kept[task] ** 2 for task in laws})
        fits = {task: replace(fit, uneven=uneven, weighed=True) for task, fit in local_fits(runs, laws).items()}
        uneven = _uneven(runs, fits)
    return laws, fits


def _uneven(runs: Runs, fits: Mapping[str, LocalFit]) -> Uneven:
    return uneven_noise(
        runs, {task: fit.standardised for task, fit in fits.items()}, {task: fit.noise for task, fit in fits.items()}
    )


def precisions(runs: Runs, fits: Mapping[str, LocalFit], seeds: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Task → how much each mix counts, (n,) in the order of `runs.by_mix()`, a single run being 1.

    fits: of laws for which all mixes counted alike.
    """
    every = {task: 1 / len(runs.tasks) for task in runs.tasks}
    noise = estimate_noise(runs, every, dict(zip(runs.tasks, runs.tasks, strict=True)), fits, seeds).at_one_seed
    kept, counts = noise_kept(runs, seeds), {}
    for task in runs.tasks:
        of_noise = noise[task] ** 2
        missed = max(0.0, fits[task].noise ** 2 - of_noise * float(kept.mean())) + 1e-300
        counts[task] = (missed + of_noise) / (missed + of_noise * kept)
    return counts
