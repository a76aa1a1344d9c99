"""What a way to spend a budget is worth, in imagined worlds: their truths, the runs that it makes, and the mix that
is recommended by these.

A world's truth is a law over mixes and sizes (mixes/laws/scale.py) for the target alone. Where runs are at hand, truths
are drawn from what these allow, else from the law's priors, taken such that the target varies over the swarm's mixes
by about one standard deviation. In each world, runs of the planned sizes get the truth's score and noise; laws are
fitted to these and to the runs at hand; and the best mix by the fit is compared with the best one by the truth, both at
the asked size. This is what statisticians call a preposterior analysis (Raiffa and Schlaifer 1961).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mixes.certainty.local_fit import local_fit_of
from mixes.certainty.worlds import TAILS, imagine_worlds
from mixes.laws.fit import TaskLaw, folds_of
from mixes.laws.ladder import Ladder
from mixes.laws.registry import law_named
from mixes.laws.scale import Sized, Wander
from mixes.optimum.best import best_mix
from mixes.optimum.limits import Limits
from mixes.planning.allocation import Allocation, Step
from mixes.recommendation.problem import ROUGH, objective_of
from mixes.runs import Size
from mixes.swarm import AROUND, LEAST

BASE = "transfer"
TARGET = "target"  # the name of the only task
WORLDS = 60  # of a plan; the standard error of a mean regret is about a sixth of it
COVERAGE = 0.9  # of intervals
DRAWN = 40  # times as many priors are drawn as worlds are wanted …
USUAL = (0.5, 2.0)  # … since only those whose standard deviation over mixes lies here are standardised
MOST = 96  # runs of a step that are imagined one by one; of more, as many that count for several each
PASSES = 4  # of a fit, each with the noise that the one before leaves
ASSUMED_NOISE = 0.25  # of one run, in standard deviations of the target over mixes, where no runs are at hand


@dataclass(frozen=True)
class AtHand:
    """Runs that were made before: the target's scores, brought to one seed's level."""

    weights: np.ndarray  # (n, n_domains)
    sizes: tuple[Size, ...]  # (n,)
    scores: np.ndarray  # (n,)
    names: tuple[str, ...]  # (n,) of their mixes


@dataclass(frozen=True)
class Setting:
    """What all ways have in common."""

    domains: tuple[str, ...]
    mixes: np.ndarray  # (m, n_domains) that a swarm would train first, reference first
    limits: Limits  # on the mix to recommend
    pull: float  # to the reference, in noises of a difference between two runs
    ladder: Ladder  # of all sizes, seen from the asked one
    at_hand: AtHand | None = None
    wander: Wander = field(default_factory=Wander)
    seed: int = 0

    @property
    def reference(self) -> np.ndarray:
        """(n_domains,) the mix that gains are counted from."""
        return self.mixes[0]

    @cached_property
    def kind(self) -> Sized:
        """The law over mixes and sizes."""
        mixes = self.mixes if self.at_hand is None else self.at_hand.weights
        spread = float(np.sqrt(mixes.var(axis=0).sum())) + 1e-9
        base = law_named(BASE, self.domains)
        return Sized(base, self.ladder, mixes.mean(axis=0), self.wander, spread)  # type: ignore[arg-type]

    def columns(self, weights: np.ndarray, sizes: Sequence[Size]) -> np.ndarray:
        """(n, n_domains + 1) weights and the number of each one's size, as the law takes them."""
        numbers = [1 + self.ladder.sizes.index(size) for size in sizes]
        return np.concatenate([weights, np.array(numbers, dtype=float)[:, None]], axis=1)


@dataclass(frozen=True)
class Truths:
    """The laws that are true in the worlds, and the noise of a run."""

    parameters: np.ndarray  # (B, q)
    noise: float  # of one run, in the target's unit
    best: np.ndarray  # (B, n_domains) by them


@dataclass(frozen=True)
class Expected:
    """What a way is worth, in the target's unit."""

    allocation: Allocation
    regrets: np.ndarray  # (B,) what the best mix at the asked size gains over the one recommended, tails drawn in
    half_width: float  # of the interval of what the recommended mix gains over the reference there

    @property
    def regret(self) -> float:
        """Mean over the worlds."""
        return float(self.regrets.mean())


def truths_of(setting: Setting, count: int = WORLDS) -> Truths:
    """`count` worlds."""
    parameters, noise = _from_priors(setting, count) if setting.at_hand is None else _from_runs(setting, count)
    return Truths(parameters, noise, _optima(setting, parameters, noise))


def _from_priors(setting: Setting, count: int) -> tuple[np.ndarray, float]:
    """Truths of a target that is in standard deviations over the swarm's mixes."""
    kind, rng = setting.kind, np.random.default_rng([setting.seed, 1])
    prior = kind.prior(len(setting.domains) + 1)
    slope = prior.slope(len(kind.start(len(setting.domains) + 1, kind.starts[0])))
    middle = np.linalg.lstsq(slope, prior.mean / prior.sd, rcond=None)[0]
    drawn = rng.multivariate_normal(middle, np.linalg.inv(slope.T @ slope), size=DRAWN * count)
    drawn = np.concatenate([np.zeros((len(drawn), 1)), np.ones((len(drawn), 1)), drawn], axis=1)
    with np.errstate(all="ignore"):
        spread = kind.predict(drawn, setting.mixes).std(axis=1)
    far = np.where(np.isfinite(spread), np.abs(np.log(np.maximum(spread, 1e-300))), np.inf)
    chosen = np.argsort(np.where(far <= np.log(USUAL[1] / USUAL[0]) / 2, 0.0, far), kind="stable")[:count]
    return drawn[chosen], ASSUMED_NOISE


def _from_runs(setting: Setting, count: int) -> tuple[np.ndarray, float]:
    """Truths that the runs at hand allow, and the noise that they show."""
    known = setting.at_hand
    assert known
    columns = setting.columns(known.weights, known.sizes)
    parameters = setting.kind.fit(columns, known.scores[None], np.ones((1, len(columns))))[0]
    law = TaskLaw(TARGET, setting.kind, (*setting.domains, "size"), parameters, 0.0, 0.0, {}, {})
    fit = local_fit_of(law, columns, known.scores, folds_of(known.names, setting.seed))
    return imagine_worlds({TARGET: fit}, columns, count, setting.seed).truths[TARGET], fit.noise


def expected_of(setting: Setting, truths: Truths, allocation: Allocation) -> Expected:
    """What a way is expected to miss, and how wide its interval will be."""
    rng = np.random.default_rng([setting.seed, 2])
    runs = _spread(setting, truths, [step for step in allocation.steps if not step.chosen], rng)
    refits = _refitted(setting, runs)
    for step in allocation.steps:
        if step.chosen:
            best = _optima(setting, refits, truths.noise)
            refits = np.concatenate([
                _refitted(setting, runs.of(world).and_also(_around(setting, truths, world, step, best[world], rng)))
                for world in range(len(best))
            ])  # fmt: skip
    mixes = _optima(setting, refits, truths.noise)
    by_refit, by_truth = (
        np.array([
            setting.kind.predict(laws[None], np.stack([mix, setting.reference, best]))[0]
            for laws, mix, best in zip(parameters, mixes, truths.best, strict=True)
        ])
        for parameters in (refits, truths.parameters)
    )  # fmt: skip
    errors = (by_refit[:, 1] - by_refit[:, 0]) - (by_truth[:, 1] - by_truth[:, 0])
    low, high = np.quantile(errors, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
    regrets = by_truth[:, 0] - by_truth[:, 2]
    return Expected(allocation, np.clip(regrets, *np.quantile(regrets, TAILS)), float(high - low) / 2)


@dataclass(frozen=True)
class _Runs:
    """Runs in all worlds, or in one."""

    columns: np.ndarray  # (n, n_domains + 1), the same in all worlds
    scores: np.ndarray  # (B, n)
    counts: np.ndarray  # (n,) how many single runs each counts for

    def of(self, world: int) -> "_Runs":
        """Those of one world."""
        return _Runs(self.columns, self.scores[world : world + 1], self.counts)

    def and_also(self, more: "_Runs") -> "_Runs":
        """Both."""
        return _Runs(*(
            np.concatenate([getattr(self, name), getattr(more, name)], axis=axis)
            for name, axis in (("columns", 0), ("scores", 1), ("counts", 0))
        ))  # fmt: skip


def _spread(setting: Setting, truths: Truths, steps: Sequence[Step], rng: np.random.Generator) -> _Runs:
    """The runs at hand, and those of `steps` over the swarm's mixes."""
    count, width = len(truths.parameters), len(setting.domains) + 1
    runs = _Runs(np.empty((0, width)), np.empty((count, 0)), np.empty(0))
    if known := setting.at_hand:
        columns = setting.columns(known.weights, known.sizes)
        runs = _Runs(columns, np.tile(known.scores, (count, 1)), np.ones(len(columns)))
    taken = 0
    for step in steps:
        single = min(step.runs, MOST)
        mixes = setting.mixes[np.arange(taken, taken + single) % len(setting.mixes)]
        runs = runs.and_also(_scored(setting, truths.parameters, truths.noise, mixes, step, rng))
        taken += single
    return runs


def _around(
    setting: Setting, truths: Truths, world: int, step: Step, best: np.ndarray, rng: np.random.Generator
) -> _Runs:
    """One world's runs around the mix that was best so far, and one of the reference."""
    drawn = rng.dirichlet(AROUND * best + LEAST, min(step.runs, MOST) - 1)
    mixes = np.concatenate([setting.reference[None], drawn])
    return _scored(setting, truths.parameters[world : world + 1], truths.noise, mixes, step, rng)


def _scored(
    setting: Setting, parameters: np.ndarray, noise: float, mixes: np.ndarray, step: Step, rng: np.random.Generator
) -> _Runs:
    """Runs of a step on mixes (m, n_domains), by true laws (B, q)."""
    columns, each = setting.columns(mixes, [step.size] * len(mixes)), step.runs / len(mixes)
    true = setting.kind.predict(parameters, columns)
    scores = true + noise / each**0.5 * rng.standard_normal(true.shape)
    return _Runs(columns, scores, np.full(len(mixes), each))


def _refitted(setting: Setting, runs: _Runs) -> np.ndarray:
    """(B, q) laws fitted to the runs, from one start: all of them would take ten times as long, and lower a mean regret
    by a tenth (measured)."""
    kind = setting.kind
    start = np.array([0.0, 1.0, *kind.start(runs.columns.shape[1], kind.starts[0])])
    fitted = np.tile(start, (len(runs.scores), 1))
    for _ in range(PASSES):
        fitted = kind.fit(runs.columns, runs.scores, np.tile(runs.counts, (len(fitted), 1)), fitted)
    with np.errstate(all="ignore"):
        predicted = kind.predict(fitted, np.eye(len(setting.domains)))
    return np.where(np.isfinite(predicted).all(axis=1, keepdims=True), fitted, start)


def _optima(setting: Setting, parameters: np.ndarray, noise: float) -> np.ndarray:
    """(B, n_domains) the best mixes at the asked size, with the pull that a recommendation has."""
    kinds, pull = {TARGET: setting.kind}, setting.pull * noise * 2**0.5

    def best(laws: np.ndarray) -> np.ndarray:
        objective = objective_of(kinds, {TARGET: laws}, {TARGET: 1.0}, setting.reference, pull)
        return best_mix(objective, setting.limits, within=ROUGH).mix

    return np.array([best(laws) for laws in parameters])


def compared(
    setting: Setting, ways: Sequence[Allocation], progress: Callable[[int, int], None], count: int = WORLDS
) -> list[Expected]:
    """What each way is worth, in the same worlds; the least regret first."""
    truths, results = truths_of(setting, count), []
    for number, way in enumerate(ways):
        progress(number, len(ways))
        results.append(expected_of(setting, truths, way))
    return sorted(results, key=lambda result: result.regret)
