"""How well a law that was fitted to one swarm ranks the mixes of another, of the same proxies or of larger ones."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.laws.fit import AUTO, TaskLaw, fit_laws, laws_for
from mixes.laws.rank_correlation import rank_correlation
from mixes.runs import Runs


@dataclass(frozen=True)
class CheckedLaw:
    """What `check-law --json` prints."""

    law: str  # as asked for: a name, or auto
    chosen: dict[str, str]  # task → the law that was used
    runs: int  # that it was fitted to
    spearman_mean: float
    spearman: dict[str, float]  # task → rank correlation of predictions and scores on mixes that it was not fitted to
    regret: float | None  # mean score of the mix predicted best − that of the best mix tried; None in cross-validation
    seconds: float  # of the fit, including the choice of law
    at: str | None = None  # size of the mixes that were ranked, where laws were fitted to other sizes; else None
    errors: dict[str, float] | None = None  # then: task → root mean squared error, in the scores' unit
    coverage: dict[str, float] | None = None  # then: task → share of the scores that lie in their 90 % intervals


def check_law(train: Runs, test: Runs, law: str = AUTO, seed: int = 0) -> CheckedLaw:
    """Fit laws to `train`, and rank the mixes of `test` by their predictions for every task that both have.

    Raises:
        MixError: different domains, no task in common, fewer than two mixes to rank, an unknown law.
    """
    tasks = tasks_of_both(train, test)
    laws, seconds = _fitted(train, law, seed)
    spearman, regret = ranked({task: laws[task] for task in tasks}, test)
    return _checked(law, train, laws, spearman, regret, seconds)


def tasks_of_both(train: Runs, test: Runs) -> list[str]:
    """The tasks that both swarms have.

    Raises:
        MixError: different domains, no task in common, or fewer than two mixes to rank.
    """
    odd = sorted(set(train.domains) ^ set(test.domains))
    if odd:
        where = "training" if odd[0] in train.domains else "test"
        raise MixError(f"check-law: domain {odd[0]!r} is only in the {where} swarm — both swarms need the same domains")
    tasks = [task for task in train.tasks if task in test.tasks]
    if not tasks:
        raise MixError(f"check-law: no metric is in both swarms — one has {', '.join(train.tasks)}")
    if len(test.by_mix()) < 2:
        raise MixError("check-law: the swarm to rank has one mix, ranking needs two")
    return tasks


def ranked(laws: Mapping[str, TaskLaw], test: Runs) -> tuple[dict[str, float], float]:
    """Task → rank correlation of predictions and scores; how much worse than the best mix the one predicted best is."""
    mixes, tasks = test.by_mix(), list(laws)
    predicted = np.array([laws[task].predict(mixes.weights()) for task in tasks])  # (n_tasks, n)
    scores = mixes.scores()[[mixes.tasks.index(task) for task in tasks]]
    spearman = {task: rank_correlation(*pair) for task, *pair in zip(tasks, predicted, scores, strict=True)}
    truth = scores.mean(axis=0)
    return spearman, float(truth[predicted.mean(axis=0).argmin()] - truth.min())


def cross_validate_law(runs: Runs, law: str = AUTO, seed: int = 0) -> CheckedLaw:
    """The same over held-out folds of one swarm; there is no regret, since each fold has another law."""
    laws, seconds = _fitted(runs, law, seed)
    spearman = {task: laws[task].rank_correlation for task in runs.tasks}
    return _checked(law, runs, laws, spearman, None, seconds)


def _fitted(runs: Runs, law: str, seed: int) -> tuple[dict[str, TaskLaw], float]:
    started = time.monotonic()
    laws = fit_laws(runs, laws_for(law, len(runs.by_mix()), len(runs.domains)), seed)
    return laws, time.monotonic() - started


def _checked(
    law: str, runs: Runs, laws: dict[str, TaskLaw], spearman: dict[str, float], regret: float | None, seconds: float
) -> CheckedLaw:
    chosen = {task: laws[task].kind.name for task in spearman}
    return CheckedLaw(law, chosen, len(runs), float(np.mean(list(spearman.values()))), spearman, regret, seconds)
