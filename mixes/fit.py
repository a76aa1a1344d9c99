"""Chooses and fits a law for each task, and says how well it predicts mixes that it has not seen.

Folds are over mixes, replicates of one mix being one row, so a law is never asked about a mix it was fitted
on. The choice between laws is made again inside every fold: the reported error is that of choosing too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from mixes.errors import MixError
from mixes.laws.kind import LawKind
from mixes.laws.registry import LAWS
from mixes.runs import Runs

FOLDS = 5


@dataclass(frozen=True)
class TaskLaw:
    """A fitted law of one task, and its held-out quality."""

    task: str
    kind: LawKind
    domains: tuple[str, ...]
    parameters: np.ndarray  # (q,)
    error: float  # root mean squared held-out error, bpb, the choice of law included
    rank_correlation: float  # Spearman between held-out predictions and scores
    errors: dict[str, float]  # law → its own held-out error, bpb
    rank_correlations: dict[str, float]  # law → its own

    def predict(self, weights: np.ndarray) -> np.ndarray:
        """bpb (n,) at weights (n, n_domains)."""
        return self.kind.predict(self.parameters[None], weights)[0]


def fit_laws(runs: Runs, names: Sequence[str] = tuple(LAWS), seed: int = 0) -> dict[str, TaskLaw]:
    """One law a task, the best of `names` by cross-validation, fitted to all mixes.

    Raises:
        MixError: fewer mixes than folds can hold out.
    """
    mixes = runs.by_mix()
    weights, scores = mixes.weights(), mixes.scores()
    if len(weights) < 2 * FOLDS:
        raise MixError(f"swarm: {len(weights)} different mixes, cross-validation needs {2 * FOLDS}")
    outer = folds_of([run.mix for run in mixes.runs], seed)
    own = {name: _held_out(LAWS[name], weights, scores, outer) for name in names}  # law → (n_tasks, n)
    chosen_held_out = _nested(names, own, weights, scores, outer)
    best = np.argmin([_error(own[name], scores) for name in names], axis=0)
    everything = np.ones_like(scores)
    parameters = {name: LAWS[name].fit(weights, scores, everything) for name in names}
    laws = {}
    for t, task in enumerate(mixes.tasks):
        name = names[best[t]]
        laws[task] = TaskLaw(
            task=task,
            kind=LAWS[name],
            domains=mixes.domains,
            parameters=parameters[name][t],
            error=float(_error(chosen_held_out, scores)[t]),
            rank_correlation=_rank_correlation(chosen_held_out[t], scores[t]),
            errors={n: float(_error(own[n], scores)[t]) for n in names},
            rank_correlations={n: _rank_correlation(own[n][t], scores[t]) for n in names},
        )
    return laws


def folds_of(names: Sequence[str], seed: int) -> np.ndarray:
    """(n,) fold numbers, of equal size, decided by the names: row order does not matter."""
    drawn = [hashlib.sha256(f"{seed}/{name}".encode()).hexdigest() for name in names]
    return np.argsort(np.argsort(drawn)) % FOLDS


def _held_out(kind: LawKind, weights: np.ndarray, scores: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Predictions (n_tasks, n) of every mix by a law that was fitted without its fold."""
    used = folds >= 0  # rows of fold −1 belong to an outer fold that is held out
    tasks = len(scores)
    rows = np.repeat([(used & (folds != fold)).astype(float) for fold in range(FOLDS)], tasks, axis=0)
    fitted = kind.fit(weights, np.tile(scores, (FOLDS, 1)), rows)
    everywhere = kind.predict(fitted, weights).reshape(FOLDS, tasks, -1)
    return np.where(used, np.take_along_axis(everywhere, np.maximum(folds, 0)[None, None], axis=0)[0], np.nan)


def _nested(
    names: Sequence[str], own: dict[str, np.ndarray], weights: np.ndarray, scores: np.ndarray, outer: np.ndarray
) -> np.ndarray:
    """Held-out predictions (n_tasks, n) where each outer fold's law is chosen without that fold."""
    result = np.empty_like(scores)
    for fold in range(FOLDS):
        kept = np.flatnonzero(outer != fold)
        inner = np.full(len(outer), -1)
        inner[kept[np.argsort(outer[kept], kind="stable")]] = np.arange(len(kept)) % FOLDS
        errors = [_error(_held_out(LAWS[name], weights, scores, inner)[:, kept], scores[:, kept]) for name in names]
        best = np.argmin(errors, axis=0)  # (n_tasks,)
        mine = outer == fold
        for t in range(len(scores)):
            result[t, mine] = own[names[best[t]]][t, mine]
    return result


def _error(predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Root mean squared error (n_tasks,)."""
    return np.sqrt(np.mean((predicted - scores) ** 2, axis=1))


def _rank_correlation(predicted: np.ndarray, scores: np.ndarray) -> float:
    if np.ptp(predicted) == 0 or np.ptp(scores) == 0:
        return 0.0
    return float(spearmanr(predicted, scores).statistic)
