"""Worlds as the evidence allows them: in each, a truth, a swarm measured under it, and the laws fitted to that.

How far a recommended weight or gain is from the truth can be measured in a world, where the truth is known: compare
the recommendation of its refit with the optimum of its truth. So every interval here is the recommendation minus the
errors that the same method makes in the worlds. They include the errors that regularisation causes, and the winner's
curse: the optimism of an optimum that was chosen because noise made it look good.

Truths are drawn from the laws' posterior near the fit (a Gaussian, Laplace's approximation), with noise whose
own size is uncertain. The laws' priors are RELAXED times as wide there, since a truth need not resemble
what we regularise towards. Sources: calibrating an interval by refits to draws of the posterior, Rubin 1984,
doi:10.1214/aos/1176346785; the bootstrap's basic interval, Davison & Hinkley 1997, chapter 5. Percentiles of
refits or of posterior draws, the obvious way, cover far less (benchmarks/calibration.py).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from mixes.certainty.local_fit import LocalFit
from mixes.laws.fit import LARGE
from mixes.laws.kind import LawKind
from mixes.optimum.objective import Objective, stacked

RELAXED = 1.8  # chosen in simulation: 1.5 covers 80–94 % of the weights, 1.8 89–95 %, 2.5 over 94 %
BENT = 3.0  # most that a truth may move predictions, as a multiple of what the slopes foresee (assumed)
HALVINGS = 20  # of a move, before it is dropped
TAILS = (0.05, 0.95)  # of regrets: a world now and then has a law that explodes
Side = Literal["truths", "refits"]
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True)
class Worlds:
    """B worlds of all tasks; the noise of two tasks is correlated as their residuals are."""

    kinds: Mapping[str, LawKind]  # by task
    truths: Mapping[str, np.ndarray]  # task → parameters (B, q)
    refits: Mapping[str, np.ndarray]  # task → parameters (B, q)

    def __len__(self) -> int:
        return len(next(iter(self.truths.values())))

    def first(self, count: int) -> Self:
        """The first `count` worlds."""
        return self._part(slice(count))

    def after(self, count: int) -> Self:
        """The worlds after the first `count`."""
        return self._part(slice(count, None))

    def _part(self, which: slice) -> Self:
        parts = {side: {task: laws[which] for task, laws in getattr(self, side).items()} for side in SIDES}
        return replace(self, **parts)

    def errors(self, aim: Mapping[str, float], mixes: np.ndarray) -> np.ndarray:
        """(B, m) refit − truth of the weighted tasks of `aim`, at mixes (m, n_domains)."""
        return self._scores(self.refits, aim, mixes) - self._scores(self.truths, aim, mixes)

    def own_gains(self, own_mixes: np.ndarray, other: np.ndarray) -> "OwnGains":
        """Scores of each world's own mix (B, n_domains), and of one other mix (n_domains,), task by task.

        `own_mixes` may be one mix (n_domains,): then gains are without the optimism of having been chosen.
        """
        own = np.broadcast_to(own_mixes, (len(self), len(other)))
        scores = {task: np.empty((2, 2, len(self))) for task in self.kinds}
        for kind, tasks in by_kind(self.kinds):
            for side, parameters in enumerate((self.refits, self.truths)):
                stacked_by_world = np.stack([parameters[task] for task in tasks], axis=1)  # (B, T, q)
                for world, laws in enumerate(stacked_by_world):
                    predicted = kind.predict(laws, np.stack([own[world], other]))  # (T, 2)
                    for task, row in zip(tasks, predicted, strict=True):
                        scores[task][side, :, world] = row
        return OwnGains(scores)

    def chosen_errors(self, aim: Mapping[str, float], chosen: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(B, m) how far refits overstate what their own mixes, `chosen` (B, n_domains), gain over each of `others`
        (m, n_domains) on the weighted tasks of `aim`."""
        tasks = {task: value for task, value in aim.items() if value}
        scores = np.zeros((2, len(self), 1 + len(others)))  # by refits, by truths
        for kind, group in by_kind({task: self.kinds[task] for task in tasks}):
            values = np.array([tasks[task] for task in group])
            for side, parameters in enumerate((self.refits, self.truths)):
                by_world = np.stack([parameters[task] for task in group], axis=1)  # (B, T, q)
                for world, (laws, own) in enumerate(zip(by_world, chosen, strict=True)):
                    scores[side, world] += values @ kind.predict(laws, np.concatenate([own[None], others]))
        gains = scores[..., 1:] - scores[..., :1]
        return gains[0] - gains[1]

    def regret(self, aim: Mapping[str, float], of_truths: np.ndarray, of_refits: np.ndarray) -> float:
        """How much better than their refits' best mixes the truths' are, on the weighted tasks of `aim`: the mean over
        the worlds, tails drawn in. of_truths, of_refits: (B, n_domains).

        The refit's mix is what would be recommended in a world. So this is what a recommendation may be expected to
        miss; in simulation it is right to within a half (benchmarks/stopping.py).
        """
        tasks, lost = {task: value for task, value in aim.items() if value}, np.zeros(len(self))
        for kind, group in by_kind({task: self.kinds[task] for task in tasks}):
            values = np.array([tasks[task] for task in group])
            by_world = np.stack([self.truths[task] for task in group], axis=1)  # (B, T, q)
            for world, (laws, *pair) in enumerate(zip(by_world, of_refits, of_truths, strict=True)):
                lost[world] += np.subtract(*(values @ kind.predict(laws, np.stack(pair))))
        return max(0.0, float(np.clip(lost, *np.quantile(lost, TAILS)).mean()))

    def objectives(
        self, aim: Mapping[str, float], anchor: np.ndarray, pull: float, side: Side = "truths"
    ) -> list[Objective]:
        """What the mix should minimise in each world, by its truth or by its refit; `pull` as in Objective."""
        kinds, values = [self.kinds[task] for task in aim], list(aim.values())
        return [stacked(kinds, [laws[task] for task in aim], values, anchor, pull) for laws in self.laws_by_world(side)]

    def laws_by_world(self, side: Side) -> Iterator[dict[str, np.ndarray]]:
        """For each world: task → the law's parameters (q,)."""
        for world in range(len(self)):
            yield {task: parameters[world] for task, parameters in getattr(self, side).items()}

    def _scores(self, parameters: Mapping[str, np.ndarray], aim: Mapping[str, float], mixes: np.ndarray) -> np.ndarray:
        parts = [value * self.kinds[task].predict(parameters[task], mixes) for task, value in aim.items() if value]
        return np.sum(parts, axis=0)


def by_kind(kinds: Mapping[str, LawKind]) -> list[tuple[LawKind, list[str]]]:
    """Each form of law and its tasks."""
    groups: dict[str, list[str]] = {}
    for task, kind in kinds.items():
        groups.setdefault(kind.name, []).append(task)
    return [(kinds[tasks[0]], tasks) for tasks in groups.values()]


@dataclass(frozen=True)
class OwnGains:
    """In every world, the scores of its own mix and of another, by its refit and by its truth."""

    scores: Mapping[str, np.ndarray]  # task → (refit or truth, own or other mix, B)

    def errors(self, aim: Mapping[str, float]) -> np.ndarray:
        """(B,) how far each refit overstates what its own mix gains over the other on the weighted tasks of `aim`."""
        weighted = np.sum([value * self.scores[task] for task, value in aim.items() if value], axis=0)
        own, other = weighted[0] - weighted[1]
        return other - own


def imagine_worlds(
    fits: Mapping[str, LocalFit],
    weights: np.ndarray,
    replicates: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Worlds:
    """`replicates` worlds; `weights` (n, n_domains) are those that `fits` were fitted to (`runs.by_mix().weights()`).

    In LARGE swarms a refit is one step of least squares: with that many mixes the laws are linear around the fit.
    """
    tasks, rng = sorted(fits), np.random.default_rng(seed)
    spread = _joint_noise([fits[task] for task in tasks])
    shape = (replicates, spread.shape[1], len(weights))
    seen, measured = (np.einsum("ts,bsn->tbn", spread, rng.standard_normal(shape)) for _ in range(2))
    drawn = []  # in one order, whatever runs beside what: how much larger noise is than estimated, and pulls of priors
    for task in tasks:
        freedom = fits[task].freedom
        larger = np.sqrt(freedom / rng.chisquare(freedom, size=(replicates, 1)))
        drawn.append((larger, rng.standard_normal((replicates, len(fits[task].prior)))))

    def imagine(t: int) -> tuple[np.ndarray, np.ndarray]:
        larger, leaning = drawn[t]
        return _imagined(fits[tasks[t]], weights, larger * seen[t], larger * measured[t], larger * leaning)

    pairs = {}
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for t, pair in enumerate(pool.map(imagine, range(len(tasks)))):
            pairs[tasks[t]] = pair
            progress(t, len(tasks))
    truths, refits = ({task: pair[side] for task, pair in pairs.items()} for side in (0, 1))
    return Worlds({task: fits[task].law.kind for task in tasks}, truths, refits)


def _imagined(
    fit: LocalFit, weights: np.ndarray, seen: np.ndarray, measured: np.ndarray, leaning: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One task's truths and refits (B, q); noise (B, n) of the scores that were seen, and of those measured in a world,
    in single runs' size; leaning (B, m) of the priors."""
    truths = _truths(fit, seen, leaning)
    if fit.smooth and weights.size > LARGE:
        return truths, _moved(fit, truths, measured)
    scores = fit.law.kind.predict(truths, weights) + measured * fit.spread
    initial = np.tile(fit.law.parameters, (len(truths), 1))
    refits = fit.law.kind.fit(weights, scores, np.tile(fit.root**2, (len(truths), 1)), initial)
    return truths, _finite(fit, refits, initial)


def _finite(fit: LocalFit, refits: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """Refits (B, …); where one explodes between the mixes, as exponents may by ten mixes, its `initial` in its place:
    nobody would use such a law."""
    if not fit.smooth:
        return refits
    with np.errstate(all="ignore"):
        predicted = fit.law.kind.predict(refits, _corners(fit))
    return np.where(np.isfinite(predicted).all(axis=1, keepdims=True), refits, initial)


def _corners(fit: LocalFit) -> np.ndarray:
    """The mixes, and single domains: of a convex law no value exceeds theirs."""
    return np.concatenate([fit.weights, np.eye(fit.weights.shape[1])])


def _truths(fit: LocalFit, noise: np.ndarray, leaning: np.ndarray) -> np.ndarray:
    """(B, q) the fit's parameters moved by noise (B, n) of its scores and (B, m) of its priors; a law without slopes
    stays as it is."""
    start = np.tile(fit.law.parameters, (len(noise), 1))
    return _bent(fit, _moved(fit, start, noise, leaning @ fit.prior / RELAXED)) if fit.smooth else start


def _bent(fit: LocalFit, moved: np.ndarray) -> np.ndarray:
    """Parameters (B, …), each moved only so far from the fit's that the law about follows its slopes.

    A Gaussian describes a law only near its fit. With few mixes it reaches parameters whose exponents explode, so that
    predictions at measured mixes are off by orders of magnitude. The evidence allows no such truth. The move is halved.
    """
    start, linear, moved = fit.law.parameters, moved.copy(), moved.copy()
    settled = getattr(fit.law.kind, "settled", None)
    at, at_fit, slopes = _corners(fit), fit.law.predict(fit.weights), fit.slopes
    off = np.arange(len(moved))
    for _ in range(HALVINGS):
        foreseen = (linear[off] - start)[:, -fit.parameters :] @ slopes.T  # (B, n)
        with np.errstate(all="ignore"):
            if settled:
                moved[off] = settled(linear[off], fit.weights, at_fit + foreseen)
            predicted = fit.law.kind.predict(moved[off], at)
            actual = predicted[:, : len(at_fit)] - at_fit
            reach = BENT * (np.sqrt((foreseen**2).mean(axis=1)) + fit.noise)
            good = np.isfinite(predicted).all(axis=1) & (np.sqrt((actual**2).mean(axis=1)) <= reach)
        off = off[~good]
        if not len(off):
            return moved
        moved[off] = linear[off] = (start + linear[off]) / 2
    moved[off] = start
    return moved


def _moved(fit: LocalFit, start: np.ndarray, noise: np.ndarray, further: np.ndarray | float = 0.0) -> np.ndarray:
    """(B, …) parameters `start` moved by noise (B, n) of the scores, in single runs' size, by least squares near the
    fit."""
    pushed = (noise * fit.spread * fit.root**2) @ fit.slopes / fit.noise**2 + further
    moved = start.copy()
    moved[:, -fit.parameters :] += pushed @ fit.covariance(RELAXED)
    return moved


def _joint_noise(fits: list[LocalFit]) -> np.ndarray:
    """(T, T) root of the covariance of the tasks' residuals of single runs, each task's variance being its noise's."""
    plain = np.array([fit.held_out * np.sqrt(1 - np.minimum(fit.leverage, 0.95)) / fit.spread for fit in fits])
    plain *= np.array([[fit.noise] for fit in fits]) / (np.sqrt((plain**2).mean(axis=1, keepdims=True)) + 1e-300)
    values, vectors = np.linalg.eigh(plain @ plain.T / plain.shape[1])
    return vectors * np.sqrt(np.maximum(values, 0))
