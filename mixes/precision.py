"""Laws fitted by what is known of each score: a mean over seeds counts for more than a single run.

What a law leaves of a score is noise, which falls with the number of seeds n, and what no law of its form can say,
which does not. With s, the share of noise in a single run's squared residual, a mix of n runs has (1 − s) + s / n of a
single run's variance, and counts by the inverse of that: 1 where all is misfit, n where all is noise. The noise is
measured from replicates (mixes/certainty/noise.py), the residuals by a first fit in which all mixes count alike.
Source: weighted least squares with two variance components (Searle, Casella and McCulloch 1992, chapter 3).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mixes.certainty.leverage import LocalFit, local_fits
from mixes.certainty.noise import estimate_noise
from mixes.fit import LARGE, TaskLaw, fit_laws
from mixes.runs import Runs


def fit_by_precision(
    runs: Runs,
    names: Sequence[str] | None = None,
    seed: int = 0,
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[dict[str, TaskLaw], dict[str, LocalFit]]:
    """One law a task and its surroundings; arguments and errors as of `fit_laws`, seeds: run → its seed.

    Without replicates, and in LARGE swarms, where a few mixes decide nothing, all mixes count alike.
    """
    laws = fit_laws(runs, names, seed, report)
    fits = local_fits(runs, laws)
    if not runs.replicates() or runs.by_mix().weights().size > LARGE:
        return laws, fits
    laws = fit_laws(runs, names, seed, report, precisions(runs, fits, seeds))
    return laws, local_fits(runs, laws)


def precisions(
    runs: Runs, fits: Mapping[str, LocalFit], seeds: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """Task → how much each mix counts, (n,) in the order of `runs.by_mix()`, a single run being 1.

    fits: of laws that all mixes counted alike for.
    """
    every = {task: 1 / len(runs.tasks) for task in runs.tasks}
    noise = estimate_noise(runs, every, dict(zip(runs.tasks, runs.tasks, strict=True)), fits, seeds).at_one_seed
    counts = np.unique(runs.groups(), return_counts=True)[1]  # in the order of by_mix
    shares = {task: min(1.0, (noise[task] / fits[task].noise) ** 2) for task in runs.tasks}
    return {task: 1 / (1 - share + share / counts) for task, share in shares.items()}
