"""Intervals: for the score of a run that was not made, for a gain, and for every weight of the best mix."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixes.certainty.local_fit import MOST_LEVERAGE, LocalFit

ON_BOUND = 1e-4  # a weight this near its floor or cap is on it


@dataclass(frozen=True)
class Gain:
    """What a mix gains over another on one aim, natural − mix as a rule: more is better."""

    claimed: float  # by the laws themselves
    value: float  # claimed − optimism
    low: float
    high: float
    chance: float  # that it is above zero: share of the worlds
    optimism: float  # mean overstatement in the worlds, tails drawn in: winner's curse, and what regularisation adds


def gain_of(claimed: float, errors: np.ndarray, coverage: float) -> Gain:
    """The gain, from what the laws claim and from how far the worlds' refits overstate theirs, `errors` (B,)."""
    likely = claimed - errors
    low, high = np.quantile(likely, _tails(coverage))
    chance = ((likely > 0).sum() + 0.5) / (len(likely) + 1)  # never quite 0 or 1: there are only B worlds
    optimism = float(claimed) - float(np.clip(likely, low, high).mean())  # a world now and then has a law that explodes
    return Gain(float(claimed), float(claimed) - optimism, float(low), float(high), float(chance), optimism)


def weight_intervals(
    best: np.ndarray,
    optima: tuple[np.ndarray, np.ndarray],
    floors: np.ndarray,
    caps: np.ndarray,
    coverage: float,
) -> np.ndarray:
    """(n_domains, 2) around the best mix (n_domains,), from the worlds' optima of truths and refits (B, n_domains);
    within floors and caps (n_domains,).

    The best weights minus the errors made in the worlds. Where more than a tail of the refits lie on a bound, errors
    say too little (a weight of zero errs to one side only); the interval then also covers that of the truths.
    Measured (benchmarks/calibration.py): nominal 90 % cover 89 to 95 % of planted weights.
    """
    of_truths, of_refits = optima
    low, high = np.quantile(best - (of_refits - of_truths), _tails(coverage), axis=0)
    on_bound = (of_refits < floors + ON_BOUND) | (of_refits > caps - ON_BOUND)
    bounded = on_bound.mean(axis=0) > _tails(coverage)[0]
    lowest, highest = np.quantile(of_truths, _tails(coverage), axis=0)
    low = np.minimum(np.where(bounded, np.minimum(low, lowest), low), best)
    high = np.maximum(np.where(bounded, np.maximum(high, highest), high), best)
    return np.stack([np.maximum(low, floors), np.minimum(high, caps)], axis=1)


def score_intervals(
    fits: Mapping[str, LocalFit], aim: Mapping[str, float], mixes: np.ndarray, coverage: float
) -> np.ndarray:
    """(m, 2) intervals for the scores of single runs on mixes (m, n_domains), on the weighted tasks of `aim`.

    Jackknife: the law ± the quantile of the held-out residuals, each in units of its own standard deviation, times
    that at the new mix. It grows with the mix's leverage and, where noise does, with its distance. The quantile makes
    no assumption on the residuals' law (Lei et al. 2018, doi:10.1080/01621459.2017.1307116, section 5.2).
    """
    counted = {task: value for task, value in aim.items() if value}
    middle = sum(value * fits[task].law.predict(mixes) for task, value in counted.items())
    held_out = np.sum([value * fits[task].held_out for task, value in counted.items()], axis=0)
    share = np.array([(value * fits[task].noise) ** 2 for task, value in counted.items()])
    share /= share.sum()
    own = np.minimum(share @ [fits[task].leverage for task in counted], MOST_LEVERAGE)
    spread = np.sqrt(share @ [fits[task].spread ** 2 for task in counted])  # a mean over seeds misses by less
    away = share @ [fits[task].leverage_at(mixes) for task in counted]
    noisier = share @ [fits[task].uneven.at(mixes) for task in counted]
    sizes = np.sort(np.abs(held_out) * np.sqrt(1 - own) / spread)
    rank = min(int(np.ceil((len(sizes) + 1) * coverage)), len(sizes))
    half = sizes[rank - 1] * np.sqrt(noisier + away)
    return np.stack([middle - half, middle + half], axis=1)


def _tails(coverage: float) -> tuple[float, float]:
    return (1 - coverage) / 2, (1 + coverage) / 2
