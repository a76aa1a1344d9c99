"""A swarm of several sizes at the size that is asked for: its laws there, and its scores as they would be there.

One fit per task over all sizes (mixes/laws/scale.py). How far levels, effects of mixes and domains' worths wander from
size to size is assumed at first, and then learned from the sizes that there are, by expectation and maximisation over
all tasks (Dempster, Laird and Rubin 1977). With two sizes the assumption stays. The noise at each size is measured from
its own residuals.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mixes.certainty.fitted import FittedSwarm, fit_swarm
from mixes.certainty.local_fit import LocalFit, local_fit_of
from mixes.certainty.seeds import level_seeds
from mixes.errors import MixError
from mixes.laws.curve import Curve
from mixes.laws.fit import AUTO, FOLDS, TaskLaw, folds_of
from mixes.laws.ladder import ladder_to
from mixes.laws.rank_correlation import rank_correlation
from mixes.laws.registry import law_named
from mixes.laws.scale import Sized, Wander
from mixes.runs import Runs, Size

BASE = "transfer"  # the law over mixes that `auto` takes
NEEDED = 2 * FOLDS  # mixes over all sizes
STEPS = 10  # of expectation and maximisation, which closes in slowly; more change intervals by under a tenth
COMMON = 0.1  # most that all sizes share beyond the law's form, in standard deviations of the scores (assumed)
TRUSTED = 30.0  # mixes per domain at which its variance is half of that; with few, ranks are worse for it (measured)
BELIEF = 2.0  # independent steps of a walk that the assumed spreads count for
NOISE_BELIEF = 8.0  # runs that the noise over all sizes counts for in a size's own


@dataclass(frozen=True)
class _Fit:
    """One pass: all tasks' laws, and their local fits."""

    kind: Sized
    laws: dict[str, TaskLaw]
    fits: dict[str, LocalFit]


def fit_swarm_at(
    runs: Runs,
    law: str = AUTO,
    seed: int = 0,
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
    at: Size | None = None,
) -> FittedSwarm:
    """`fit_at_size` where a size is asked for, else `fit_swarm`."""
    return fit_swarm(runs, law, seed, seeds, report) if at is None else fit_at_size(runs, at, law, seeds, report)


def fit_at_size(
    runs: Runs,
    size: Size,
    law: str = AUTO,
    seeds: Mapping[str, int] | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> FittedSwarm:
    """The laws at `size` of a swarm whose runs have several sizes, and its runs as they would score there.

    seeds: run → its proxy's seed; what a seed does is levelled size by size.

    Raises:
        MixError: a run without a size, one size, a size of one mix, too few mixes, or a size that no law can reach.
    """
    level = level_sizes(runs, seeds or {})
    sizes = sizes_of(level)
    mixes = level.by_mix()
    if len(mixes) < NEEDED:
        raise MixError(f"swarm: {len(mixes)} mixes over all sizes, laws need {NEEDED}")
    ladder = ladder_to(sizes, size)
    base = law_named(BASE if law == AUTO else law, level.domains)
    if not isinstance(base, Curve):
        raise MixError(f"law: {law!r} cannot be fitted over sizes — take auto, log_linear, bimix or transfer")
    which = np.array([1 + sizes.index(own) for own in mixes.sizes_of_runs if own is not None])
    columns = np.concatenate([mixes.weights(), which[:, None]], axis=1)
    centre = mixes.weights().mean(axis=0)
    spread = float(np.sqrt(mixes.weights().var(axis=0).sum())) + 1e-9
    common = COMMON * (len(mixes) / (len(mixes) + TRUSTED * len(mixes.domains))) ** 0.5
    wander, counts, initial = Wander(common=common), np.ones_like(mixes.scores()), None
    for step in range(STEPS):
        kind = Sized(base, ladder, centre, wander, spread)
        fitted = _fitted(kind, mixes, columns, counts, initial)
        if step < STEPS - 1:
            wander, counts = _wander(fitted), _counts(fitted, which)
            initial = np.array([fitted.laws[task].parameters for task in mixes.tasks])
    report(f"{base.name} at {size}: {len(mixes.tasks)} tasks × {len(mixes)} mixes of {len(sizes)} sizes")
    return FittedSwarm(_as_at(level, fitted, sizes), fitted.laws, fitted.fits)


def sizes_of(runs: Runs) -> list[Size]:
    """The sizes of the runs, the smallest first.

    Raises:
        MixError: a run without a size, or a size of one mix.
    """
    sizes: list[Size] = []
    for run, size in zip(runs.ids, runs.sizes_of_runs, strict=True):
        if size is None:
            raise MixError(f"swarm: run {run!r} has no size — give every run its `parameters` and `tokens`")
        sizes.append(size)
    different = sorted(set(sizes))
    for size in different:
        tried = {mix for mix, own in zip(runs.mixes, sizes, strict=True) if own == size}
        if len(tried) < 2 and len(different) > 1:
            raise MixError(
                f"swarm: the runs of {size} have a single mix, which does not tell what mixes do at that size — add "
                "runs of other mixes, or leave that size out"
            )
    return different


def level_sizes(runs: Runs, seeds: Mapping[str, int]) -> Runs:
    """`level_seeds` of each size alone: a seed's effect at one size says nothing about another."""
    scores = runs.scores().copy()
    for size in set(runs.sizes_of_runs):
        rows = np.array([i for i, own in enumerate(runs.sizes_of_runs) if own == size])
        scores[:, rows] = level_seeds(runs.select(rows), seeds).scores()
    return runs.with_scores(scores)


def _fitted(kind: Sized, mixes: Runs, columns: np.ndarray, counts: np.ndarray, initial: np.ndarray | None) -> _Fit:
    scores = mixes.scores()
    parameters = kind.fit(columns, scores, counts, initial)
    names = (*mixes.domains, "size")
    folds = folds_of(mixes.ids, seed=0)
    laws, fits = {}, {}
    for t, task in enumerate(mixes.tasks):
        plain = TaskLaw(task, kind, names, parameters[t], 0.0, 0.0, {}, {}, precision=counts[t])
        fits[task] = local_fit_of(plain, columns, scores[t], folds)
        held_out = fits[task].held_out
        error = float(np.sqrt(np.mean(counts[t] * held_out**2)))
        rank = _rank_within(held_out + scores[t], scores[t], columns[:, -1])
        laws[task] = TaskLaw(
            task, kind, mixes.domains, parameters[t], error, rank, {kind.name: error}, {kind.name: rank},
            {kind.name: 0.0}, {kind.name: 0.0}, counts[t],
        )  # fmt: skip
    return _Fit(kind, laws, fits)


def _rank_within(predicted: np.ndarray, scores: np.ndarray, which: np.ndarray) -> float:
    """Mean rank correlation over the runs, within sizes."""
    rows = [which == size for size in np.unique(which)]
    ranks = [rank_correlation(predicted[own], scores[own]) for own in rows]
    return float(np.average(ranks, weights=[own.sum() for own in rows]))


def _wander(fitted: _Fit) -> Wander:
    """How far the walks go over one ln unit: the mean square of their steps, with what is uncertain of each, drawn to
    what is assumed by BELIEF steps. Tasks wander alike in part, so their number counts by its root (assumed); two sizes
    determine the curve between them, and say nothing about steps."""
    kind, assumed = fitted.kind, Wander()
    prior = kind.prior(0)
    walk, sizes = kind.walks, kind.sizes
    parts = {
        "level": (walk, walk + sizes),
        "gain": (walk + sizes, walk + 2 * sizes),
        "domains": (walk + 2 * sizes, 10**9),
    }
    spreads = {}
    for name, (first, last) in parts.items():
        steps_only = prior.level >= 0 if name == "domains" else True  # what all sizes share is no step
        rows = np.flatnonzero((prior.index >= first) & (prior.index < last) & steps_only)
        squares = []
        for task, fit in fitted.fits.items():
            slope = fit.prior[rows]  # in standard deviations of a step
            steps = slope @ fitted.laws[task].parameters[2:]
            uncertain = np.einsum("rq,qp,rp->r", slope, fit.covariance(1.0), slope)
            squares.append(np.mean(steps**2 + uncertain))
        now = getattr(kind.wander, name) ** 2 * float(np.mean(squares))
        seen = max(0, sizes - 2) * np.sqrt(len(fitted.fits))
        spreads[name] = float(np.sqrt((seen * now + BELIEF * getattr(assumed, name) ** 2) / (seen + BELIEF)))
    return Wander(**spreads, common=kind.wander.common)


def _counts(fitted: _Fit, which: np.ndarray) -> np.ndarray:
    """(n_tasks, n) how much each mix counts, one at the nearest size being 1: by the noise of its size."""
    near = fitted.kind.ladder.nearest + 1
    counts = []
    for fit in fitted.fits.values():
        squares = fit.residuals * fit.held_out  # r²/(1 − h): its mean is the noise's variance
        overall = float(squares.mean()) + 1e-300
        variance = {
            k: (squares[which == k].sum() + NOISE_BELIEF * overall) / ((which == k).sum() + NOISE_BELIEF)
            for k in range(1, 1 + fitted.kind.sizes)
        }
        counts.append([variance[near] / variance[k] for k in which])
    return np.array(counts)


def _as_at(runs: Runs, fitted: _Fit, sizes: list[Size]) -> Runs:
    """The runs with scores as they would be at the asked size: the law's there, and the residual times what mixes do
    there against at the run's own size."""
    which = np.array([1 + sizes.index(own) for own in runs.sizes_of_runs if own is not None])
    columns = np.concatenate([runs.weights(), which[:, None]], axis=1)
    scores = []
    for task, line in zip(runs.tasks, runs.scores(), strict=True):
        law = fitted.laws[task]
        factors = fitted.kind.factors(law.parameters[None, 2:])[0]
        scores.append(law.predict(runs.weights()) + (line - law.predict(columns)) / factors[which])
    return runs.with_scores(np.array(scores))
