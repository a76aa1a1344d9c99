"""How well laws that were fitted to other sizes predict the runs of one size: their ranks, scores and intervals."""

import time
from collections.abc import Mapping

import numpy as np

from mixes.certainty.at_size import fit_at_size
from mixes.certainty.intervals import score_intervals
from mixes.errors import MixError
from mixes.laws.check import CheckedLaw, ranked, tasks_of_both
from mixes.laws.fit import AUTO
from mixes.runs import Runs, Size
from mixes.sizes import of_size

COVERAGE = 0.9


def hold_out_size(runs: Runs, size: Size) -> tuple[Runs, Runs]:
    """The runs of other sizes, and those of this one.

    Raises:
        MixError: no run has that size, or all have it.
    """
    held_out = of_size(runs.sizes_of_runs, size)
    if held_out.all() or not held_out.any():
        known = ", ".join(str(own) for own in runs.sizes[:8])
        which = "all runs have" if held_out.all() else "no run has"
        raise MixError(
            f"at {size}: {which} that size, so it cannot be held out — the runs have {known}; or give the runs to rank "
            "as --test-ratios and --test-metrics"
        )
    return runs.select(np.flatnonzero(~held_out)), runs.select(np.flatnonzero(held_out))


def check_law_at(
    train: Runs, test: Runs, size: Size, law: str = AUTO, seeds: Mapping[str, int] | None = None
) -> CheckedLaw:
    """Fit laws to `train`, which has several sizes, and predict the scores of `test`, whose proxies have `size`.

    Raises:
        MixError: as `fit_at_size`; different domains, no task in common, or fewer than two mixes to rank.
    """
    tasks = tasks_of_both(train, test)
    started = time.monotonic()
    fitted = fit_at_size(train, size, law, seeds)
    seconds = time.monotonic() - started
    laws = {task: fitted.laws[task] for task in tasks}
    spearman, regret = ranked(laws, test)
    errors, coverage = {}, {}
    for task in tasks:
        scores = test.scores()[test.tasks.index(task)]
        low, high = score_intervals(fitted.local_fits, {task: 1.0}, test.weights(), COVERAGE).T
        errors[task] = float(np.sqrt(np.mean((laws[task].predict(test.weights()) - scores) ** 2)))
        coverage[task] = float(np.mean((low <= scores) & (scores <= high)))
    return CheckedLaw(
        law, {task: laws[task].kind.name for task in tasks}, len(train), float(np.mean(list(spearman.values()))),
        spearman, regret, seconds, str(size), errors, coverage,
    )  # fmt: skip
