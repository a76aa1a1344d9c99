"""How well a law that was fitted to one swarm ranks the mixes of another."""

import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from mixes.errors import MixError
from mixes.fit import fit_laws
from mixes.laws.registry import LAWS
from mixes.runs import Runs

AUTO = "auto"  # the best law of each task, by cross-validation


@dataclass(frozen=True)
class CheckedLaw:
    """Everything `check-law --json` prints."""

    law: str
    runs: int  # that the law was fitted to
    spearman_mean: float  # over the metrics
    spearman: dict[str, float]  # metric → rank correlation of predictions and scores over the test mixes
    regret: float | None  # true mean score of the mix predicted best, less that of the best; lower is better
    seconds: float  # of fitting and predicting


def check_law(train: Runs, test: Runs, law: str = AUTO, seed: int = 0) -> CheckedLaw:
    """Fit `law` to `train` and rank the runs of `test`.

    Raises:
        MixError: the two have different domains or metrics, or the law is unknown.
    """
    for what, mine, theirs in (("domain", train.domains, test.domains), ("metric", train.tasks, test.tasks)):
        odd = sorted(set(mine) ^ set(theirs))
        if odd:
            where = "training" if odd[0] in mine else "test"
            raise MixError(f"check-law: {what} {odd[0]!r} is only in the {where} swarm — both need the same")
    started = time.monotonic()
    fitted = fit_laws(train, names=_names(law), seed=seed)
    predicted = np.array([fitted[task].predict(test.weights()) for task in test.tasks])  # (n_tasks, n_runs)
    seconds = time.monotonic() - started
    spearman = {
        task: _rank_correlation(*pair) for task, *pair in zip(test.tasks, predicted, test.scores(), strict=True)
    }
    truth = test.scores().mean(axis=0)
    regret = float(truth[predicted.mean(axis=0).argmin()] - truth.min())
    return CheckedLaw(law, len(train), float(np.mean(list(spearman.values()))), spearman, regret, seconds)


def cross_validate_law(runs: Runs, law: str = AUTO, seed: int = 0) -> CheckedLaw:
    """The same over held-out folds of one swarm; there is no regret, since each fold has another law."""
    started = time.monotonic()
    fitted = fit_laws(runs, names=_names(law), seed=seed)
    spearman = {task: fitted[task].rank_correlation for task in runs.tasks}
    seconds = time.monotonic() - started
    return CheckedLaw(law, len(runs), float(np.mean(list(spearman.values()))), spearman, None, seconds)


def _rank_correlation(predicted: np.ndarray, scores: np.ndarray) -> float:
    """Spearman's; 0 where a law tells no two mixes apart."""
    return float(spearmanr(predicted, scores).statistic) if np.ptp(predicted) and np.ptp(scores) else 0.0


def _names(law: str) -> tuple[str, ...]:
    if law not in (AUTO, *LAWS):
        raise MixError(f"--law {law!r}: there is {', '.join((AUTO, *LAWS))}")
    return tuple(LAWS) if law == AUTO else (law,)
