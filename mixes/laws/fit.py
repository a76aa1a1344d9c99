"""Chooses and fits a law for each task, and measures how well it predicts mixes that it was not fitted to.

Laws are compared by repeated cross-validation. Folds are over mixes, replicates of one mix being one row, so a law
never predicts a mix that it was fitted to. The best convex law is chosen, unless another predicts better by
more than one standard error of the difference: the one-standard-error rule (Breiman et al. 1984) in favour of the
laws whose best mix is exact. The choice is repeated inside every fold, so the reported error includes it.

The caller decides how much each mix counts in a fit (mixes/certainty/precision.py). In held-out errors all mixes count
alike.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mixes.errors import MixError
from mixes.laws.kind import LawKind
from mixes.laws.rank_correlation import rank_correlation
from mixes.laws.registry import LAWS, law_named
from mixes.runs import Runs

FOLDS = 5
REPEATS = 3  # of the cross-validation …
MANY = 16_000  # … but 1 for swarms of more weights (mixes × domains) than this; their errors leave out the choice
LARGE = 200_000  # weights above which refits are single steps, and optima take seconds
HUGE = 2_000_000  # weights above which `auto` tries only the two laws that take seconds per task, not minutes
AUTO = "auto"


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
    behind: dict[str, float] = field(default_factory=dict)  # law → its mean absolute error − the best law's, bpb …
    behind_errors: dict[str, float] = field(default_factory=dict)  # … and the standard error of that
    precision: np.ndarray | None = None  # (n,) how much each mix counted, a single run being 1; None: all alike

    def predict(self, weights: np.ndarray) -> np.ndarray:
        """bpb (n,) at weights (n, n_domains)."""
        return self.kind.predict(self.parameters[None], weights)[0]


def laws_for(law: str, mixes: int, domains: int) -> tuple[str, ...]:
    """The laws that `law` stands for: itself, or for `auto` all that can help with this many mixes.

    Raises:
        MixError: there is no such law.
    """
    if law == AUTO and mixes * domains > HUGE:
        return "linear", "log_linear"
    if law == AUTO:
        return tuple(name for name, kind in LAWS.items() if mixes >= kind.auto_from)
    return (law_named(law).name,)


def fit_laws(
    runs: Runs,
    names: Sequence[str] | None = None,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
    precision: Mapping[str, np.ndarray] | None = None,
) -> dict[str, TaskLaw]:
    """One law per task, chosen from `names` by cross-validation, fitted to all mixes.

    names: None is `auto`. report: gets one line per law, with the seconds that it took. precision: task → how much each
    mix counts, (n,) in the order of `runs.by_mix()`; None: all alike.

    Raises:
        MixError: fewer mixes than folds can hold out, runs of several sizes, an unknown law, a law's package missing.
    """
    if len(runs.sizes) > 1:
        sizes = [str(size) for size in runs.sizes if size is not None]
        raise MixError(
            f"swarm: its runs have {len(runs.sizes)} sizes ({', '.join(sizes[:8])}) — say with --at (`at=` in a "
            f"program) which size the answer is for, for example --at {sizes[-1] if sizes else '1B:20B'}"
        )
    mixes = runs.by_mix()
    weights, scores = mixes.weights(), mixes.scores()
    counts = np.ones_like(scores) if precision is None else np.array([precision[task] for task in mixes.tasks])
    if len(weights) < 2 * FOLDS:
        raise MixError(f"swarm: {len(weights)} different mixes, cross-validation needs {2 * FOLDS}")
    names = laws_for(AUTO, *weights.shape) if names is None else names
    if weights.size > HUGE:
        report(f"{len(weights)} mixes × {weights.shape[1]} domains: of the laws, {' and '.join(names)} are tried")
    asked = {law_named(name).name for name in names}
    kinds = [law_named(name, mixes.domains) for name in LAWS if name in asked]
    repeats = REPEATS if weights.size <= MANY else 1
    splits = np.array([folds_of([run.mix for run in mixes.runs], seed + repeat) for repeat in range(repeats)])
    parameters, held_out = [], []
    for kind in kinds:
        started = time.monotonic()
        fitted = kind.fit(weights, scores, counts)
        parameters.append(fitted)
        held_out.append(_held_out(kind, weights, scores, counts, splits, fitted))
        report(f"{kind.name}: {scores.shape[0]} tasks × {len(weights)} mixes in {time.monotonic() - started:.1f} s")
    own = np.array(held_out)  # (n_laws, repeats, n_tasks, n)
    chosen, behind, behind_errors = _choose(kinds, own, scores)
    if len(kinds) == 1 or weights.size > MANY:
        honest = own[chosen, :, np.arange(len(scores))].transpose(1, 0, 2)
    else:
        honest = _choice_held_out(kinds, own, weights, scores, counts, splits, parameters)
    laws = {}
    for t, task in enumerate(mixes.tasks):
        best = chosen[t]
        laws[task] = TaskLaw(
            task=task,
            kind=kinds[best],
            domains=mixes.domains,
            parameters=parameters[best][t],
            error=_error(honest[:, t], scores[t]),
            rank_correlation=_rank_correlation(honest[:, t], scores[t]),
            errors={kind.name: _error(own[k, :, t], scores[t]) for k, kind in enumerate(kinds)},
            rank_correlations={kind.name: _rank_correlation(own[k, :, t], scores[t]) for k, kind in enumerate(kinds)},
            behind={kind.name: float(behind[k, t]) for k, kind in enumerate(kinds)},
            behind_errors={kind.name: float(behind_errors[k, t]) for k, kind in enumerate(kinds)},
            precision=None if precision is None else counts[t],
        )
    return laws


def refit_laws(runs: Runs, laws: Mapping[str, TaskLaw], precision: Mapping[str, np.ndarray]) -> dict[str, TaskLaw]:
    """The same laws, fitted with other weights on the mixes; what cross-validation said of them stays.

    precision: task → how much each mix counts, (n,).
    """
    mixes = runs.by_mix()
    weights, scores, refitted = mixes.weights(), mixes.scores(), {}
    for kind in {law.kind.name: law.kind for law in laws.values()}.values():
        own = [t for t, task in enumerate(mixes.tasks) if laws[task].kind is kind]
        names = [mixes.tasks[t] for t in own]
        counts, initial = (np.array([of[name] for name in names]) for of in (
            precision, {name: laws[name].parameters for name in names}))  # fmt: skip
        for name, count, fitted in zip(names, counts, kind.fit(weights, scores[own], counts, initial), strict=True):
            refitted[name] = replace(laws[name], parameters=fitted, precision=count)
    return {task: refitted[task] for task in laws}


def folds_of(names: Sequence[str], seed: int) -> np.ndarray:
    """(n,) fold numbers; folds are of equal size. The names decide them, so the order of rows does not matter."""
    drawn = [hashlib.sha256(f"{seed}/{name}".encode()).hexdigest() for name in names]
    return np.argsort(np.argsort(drawn)) % FOLDS


def _held_out(
    kind: LawKind, weights: np.ndarray, scores: np.ndarray, counts: np.ndarray, splits: np.ndarray, initial: np.ndarray
) -> np.ndarray:
    """Predictions (repeats, n_tasks, n) of every mix by a law that was fitted without its fold.

    counts (n_tasks, n): how much each mix counts; splits (repeats, n): fold numbers; rows of fold −1 are left out, and
    their predictions are nan.
    """
    used = splits >= 0
    kept = used[:, None] & (splits[:, None] != np.arange(FOLDS)[:, None])  # (repeats, FOLDS, n)
    times = len(splits) * FOLDS
    fitted = kind.fit(
        weights, np.tile(scores, (times, 1)), (kept.reshape(times, 1, -1) * counts).reshape(-1, scores.shape[1]),
        np.tile(initial, (times, 1)),
    )  # fmt: skip
    result = np.full((len(splits), *scores.shape), np.nan)
    for number, parameters in enumerate(np.split(fitted, times)):
        repeat, fold = divmod(number, FOLDS)
        left_out = splits[repeat] == fold
        result[repeat][:, left_out] = kind.predict(parameters, weights[left_out])
    return result


def _choose(kinds: Sequence[LawKind], own: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The one-standard-error rule on held-out predictions (n_laws, repeats, n_tasks, n), nan where there is none.

    Absolute errors are compared, mix by mix: in squared errors a few failed proxies would decide.

    Returns:
        the chosen law (n_tasks,), how far each law is behind the best, and its standard error (n_laws, n_tasks).
    """
    tasks = np.arange(len(scores))
    missed = np.abs(own - scores).mean(axis=1)  # (n_laws, n_tasks, n), mean over repeats
    mean = np.nanmean(missed, axis=2)
    best = mean.argmin(axis=0)
    exact = np.where(np.array([kind.convex for kind in kinds])[:, None], mean, np.inf).argmin(axis=0)
    behind = missed - missed[best, tasks]
    count = np.sum(~np.isnan(behind), axis=2)
    behind_mean, error = np.nanmean(behind, axis=2), np.nanstd(behind, axis=2) / np.sqrt(count)
    any_exact = any(kind.convex for kind in kinds)
    return np.where(any_exact & (behind_mean <= error)[exact, tasks], exact, best), behind_mean, error


def _choice_held_out(
    kinds: Sequence[LawKind], own: np.ndarray, weights: np.ndarray, scores: np.ndarray, counts: np.ndarray,
    splits: np.ndarray, parameters: Sequence[np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Held-out predictions (1, n_tasks, n) where each fold's law is chosen without that fold."""
    outer, result = splits[0], np.empty((1, *scores.shape))
    inner = np.full((FOLDS, len(outer)), -1)
    for fold in range(FOLDS):
        kept = np.flatnonzero(outer != fold)
        inner[fold, kept[np.argsort(outer[kept], kind="stable")]] = np.arange(len(kept)) % FOLDS
    inside = np.array(
        [
            _held_out(kind, weights, scores, counts, inner, initial)
            for kind, initial in zip(kinds, parameters, strict=True)
        ]
    )
    for fold in range(FOLDS):
        left_out = outer == fold
        chosen, _, _ = _choose(kinds, inside[:, fold : fold + 1], scores)
        result[0][:, left_out] = own[chosen, 0, np.arange(len(scores))][:, left_out]
    return result


def _error(predicted: np.ndarray, scores: np.ndarray) -> float:
    """Root mean squared error of (repeats, n) against (n,)."""
    return float(np.sqrt(np.mean((predicted - scores) ** 2)))


def _rank_correlation(predicted: np.ndarray, scores: np.ndarray) -> float:
    """Mean over the repeats of predictions (repeats, n)."""
    return float(np.mean([rank_correlation(once, scores) for once in predicted]))
