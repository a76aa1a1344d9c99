"""How well a law that was fitted on one swarm ranks another's mixes, of the same proxies or of larger ones."""

import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from mixes.errors import MixError
from mixes.fit import AUTO, fit_laws, laws_for
from mixes.runs import Runs, to_array


@dataclass(frozen=True)
class CheckedLaw:
    """What `check-law --json` prints."""

    law: str  # its name, or `auto: name, …` of those chosen
    runs: int  # that it was fitted on
    spearman_mean: float
    spearman: dict[str, float]  # task → rank correlation of predictions and scores on the other swarm
    regret: float  # true mean score of the mix predicted best, above that of the best mix tried
    seconds: float  # of the fit, choice included


def check_law(train: Runs, test: Runs, law: str = AUTO, seed: int = 0) -> CheckedLaw:
    """Fit on `train`, rank the mixes of `test` by the prediction of each task they share.

    Raises:
        MixError: different domains, no task in common, fewer than two mixes to rank.
    """
    if train.domains != test.domains:
        odd = sorted(set(train.domains) ^ set(test.domains))
        raise MixError(f"check-law: the swarms differ in domains: {', '.join(odd)}")
    tasks = [task for task in train.tasks if task in test.tasks]
    if not tasks:
        raise MixError(f"check-law: no task in common — one has {', '.join(train.tasks)}, the other "
                       f"{', '.join(test.tasks)}")  # fmt: skip
    mixes = test.by_mix()
    if len(mixes.runs) < 2:
        raise MixError("check-law: the swarm to rank has one mix, ranking needs two")
    started = time.monotonic()
    laws = fit_laws(train, names=laws_for(law, len(train.by_mix().runs), len(train.domains)), seed=seed)
    seconds = time.monotonic() - started
    weights = mixes.weights()
    predicted = np.array([laws[task].predict(weights) for task in tasks])
    scores = np.array([to_array({run.id: run.scores[task] for run in mixes.runs}, [r.id for r in mixes.runs], task)
                       for task in tasks])  # fmt: skip
    spearman = {task: _spearman(predicted[t], scores[t]) for t, task in enumerate(tasks)}
    chosen = sorted({laws[task].kind.name for task in tasks})
    return CheckedLaw(
        law=law if law != AUTO else f"{AUTO}: {', '.join(chosen)}",
        runs=len(train.runs),
        spearman_mean=float(np.mean(list(spearman.values()))),
        spearman=spearman,
        regret=float(scores.mean(axis=0)[predicted.mean(axis=0).argmin()] - scores.mean(axis=0).min()),
        seconds=seconds,
    )


def _spearman(predicted: np.ndarray, scores: np.ndarray) -> float:
    """0 where either does not vary."""
    return float(spearmanr(predicted, scores).statistic) if np.ptp(predicted) and np.ptp(scores) else 0.0
