"""What a way to spend a budget is worth, in imagined worlds: their truths, the runs that it makes, and the mix that
is recommended by these.

A world's truth is a law over mixes and sizes (mixes/laws/scale.py) for the target alone. Where runs are at hand, truths
are drawn from what these allow, else from the law's priors, taken such that the target varies over the swarm's mixes
by about one standard deviation. In each world, runs of the planned sizes get the truth's score and noise; laws are
fitted to these and to the runs at hand; and the best mix by the fit is compared with the best one by the truth, both at
the asked size. This is what statisticians call a preposterior analysis (Raiffa and Schlaifer 1961).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mixes.certainty.local_fit import local_fit_of
from mixes.certainty.worlds import TAILS, imagine_worlds
from mixes.laws.fit import TaskLaw, folds_of
from mixes.optimum.best import best_mix
from mixes.planning.allocation import Allocation
from mixes.planning.imagined_runs import ImaginedRuns, Truths, near_the_best, over_all_mixes
from mixes.planning.setting import Setting
from mixes.recommendation.problem import ROUGH, objective_of

TARGET = "target"  # the name of the only task
WORLDS = 60  # of a plan; the standard error of a mean regret is about a sixth of it
SAME = 2.0  # standard errors of a difference within which two ways are as good as each other
COVERAGE = 0.9  # of intervals
DRAWN = 40  # times as many priors are drawn as worlds are wanted …
USUAL = (0.5, 2.0)  # … since only those whose standard deviation over mixes lies here are standardised
ASSUMED_NOISE = 0.25  # of one run, in standard deviations of the target over mixes, where no runs are at hand


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

    def as_good_as(self, best: "Expected") -> bool:
        """Whether the worlds cannot tell it from the way with the least regret."""
        apart = self.regrets - best.regrets
        return float(apart.mean()) <= SAME * float(apart.std(ddof=1)) / len(apart) ** 0.5


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
    columns, scores = setting.columns(known.weights, known.sizes), known.standardised
    parameters = setting.kind.fit(columns, scores[None], np.ones((1, len(columns))))[0]
    law = TaskLaw(TARGET, setting.kind, (*setting.domains, "size"), parameters, 0.0, 0.0, {}, {})
    fit = local_fit_of(law, columns, scores, folds_of(known.names, setting.seed))
    return imagine_worlds({TARGET: fit}, columns, count, setting.seed).truths[TARGET], fit.noise


def expected_of(setting: Setting, truths: Truths, allocation: Allocation) -> Expected:
    """What a way is expected to miss, and how wide its interval will be."""
    rng = np.random.default_rng([setting.seed, 2])
    runs = over_all_mixes(setting, truths, [step for step in allocation.steps if not step.chosen], rng)
    refits = _refitted(setting, runs, truths.parameters)
    for step in allocation.steps:
        if step.chosen:
            best = _optima(setting, refits, truths.noise)
            refits = np.concatenate([
                _refitted(
                    setting, runs.of(world).and_also(near_the_best(setting, truths, world, step, best[world], rng)),
                    refits[world : world + 1],
                )
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
    unit = setting.at_hand.scale if setting.at_hand else 1.0
    regrets = unit * (by_truth[:, 0] - by_truth[:, 2])
    return Expected(allocation, np.clip(regrets, *np.quantile(regrets, TAILS)), unit * float(high - low) / 2)


def _refitted(setting: Setting, runs: ImaginedRuns, initial: np.ndarray) -> np.ndarray:
    """(B, q) laws fitted to the runs, from `initial`, which stays where one explodes between the mixes."""
    fitted = setting.kind.fit(runs.columns, runs.scores, np.tile(runs.counts, (len(initial), 1)), initial)
    with np.errstate(all="ignore"):
        predicted = setting.kind.predict(fitted, np.eye(len(setting.domains)))
    return np.where(np.isfinite(predicted).all(axis=1, keepdims=True), fitted, initial)


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
