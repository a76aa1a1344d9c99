"""Health checks of a recommendation: each green, amber or red, with one sentence that says why.

Thresholds are assumed, not measured: they say where a careful reader would start to doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixes.certainty.intervals import ON_BOUND
from mixes.certainty.noise import CLEAR, spreads
from mixes.explain.held_out import Coverage, HeldOut
from mixes.explain.trade_offs import share_moved
from mixes.recommendation.cautions import OUTSIDE, distance_to_hull, named
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import Predicted, Recommendation
from mixes.target import OVERALL

Status = Literal["green", "amber", "red"]
FAR = 0.05  # share of tokens outside the hull of the tried mixes above which a score is a guess
RANKED, POORLY_RANKED = 0.8, 0.5  # held-out rank correlation
CLEAR_SHARE, UNCLEAR_SHARE = 0.9, 0.5  # share of the tasks that mixes move beyond noise
DECIDED = 0.9  # share of the mix that limits set, above which the laws decide next to nothing
MILD, LARGE = 0.25, 1.0  # optimism ÷ the gain that is left after it
TRUE, UNTRUE = 0.10, 0.20  # how far coverage may lie below nominal
CHANCE = 0.05  # probability below which coverage above nominal is no accident
NEAR, WIDE = 0.01, 0.02  # share of the tokens: a tried share this close is near; a gap this wide counts as one


@dataclass(frozen=True)
class Check:
    """One question about a recommendation, and its answer."""

    name: str
    status: Status
    sentence: str


def health_checks(
    problem: Problem,
    recommendation: Recommendation,
    mix: np.ndarray,
    on_target: HeldOut,
    covered: Sequence[Coverage],
) -> list[Check]:
    """Every check.

    Args:
        problem: what was asked, with its fitted laws.
        recommendation: the answer.
        mix: (n_domains,) the answer's mix, in the order of the problem's domains.
        on_target: held-out predictions of the target.
        covered: coverages of the target.
    """
    target = recommendation.predicted[OVERALL]
    return [
        _effect(target, recommendation),
        _limits(problem, mix),
        _hull(problem, mix),
        _reach(problem, mix),
        _rank(on_target),
        _signal(problem),
        _coverage(covered, problem.question.settings.coverage),
        _optimism(target),
        _noise(recommendation),
        _proof(problem, recommendation),
    ]


def _effect(target: Predicted, recommendation: Recommendation) -> Check:
    low, high = target.gain_low, target.gain_high
    ends = f"The {100 * recommendation.coverage:g}% interval of the gain runs from {low:+.3f} to {high:+.3f}"
    if recommendation.verdict[OVERALL] == "better":
        return Check("Effect", "green", f"{ends}: it leaves out zero, and the gain is larger than noise.")
    if high < 0:
        return Check("Effect", "red", f"{ends}: the limits make the mix worse than {recommendation.reference}.")
    if low > 0:
        return Check("Effect", "amber", f"{ends}, but the gain is smaller than the noise between two proxies.")
    return Check("Effect", "amber", f"{ends}: it includes zero, so there may be no gain at all.")


def _limits(problem: Problem, mix: np.ndarray) -> Check:
    room, domains = problem.limits.room, problem.fitted.runs.domains
    capped = (mix > room.high - ON_BOUND) & (room.high < 1)
    floored = (mix < room.low + ON_BOUND) & (room.low > 0)
    names = [domains[i] for i in np.flatnonzero(capped | floored)]
    share = float(mix[capped | floored].sum())
    if not names:
        return Check("Weights on limits", "green", "No limit decides a weight: the optimum lies inside all of them.")
    text = f"Limits decide {_weights(names)}, together {share:.0%} of the mix; looser limits would change the answer."
    return Check("Weights on limits", "amber" if share <= DECIDED else "red", text)


def _hull(problem: Problem, mix: np.ndarray) -> Check:
    distance = distance_to_hull(mix, problem.tried)
    if distance <= OUTSIDE:
        nearest = float(share_moved(problem.tried, mix).min())
        text = "The mix is a blend, a weighted mean, of mixes that were tried, so no law has to reach beyond them. "
        text += (
            "It is one of them."
            if nearest < OUTSIDE
            else f"It need not be near one of them: from the nearest, {nearest:.0%} of the tokens differ."
        )
        return Check("Distance to tried mixes", "green", text)
    text = (
        f"The mix is {distance:.1%} of its tokens away from any blend of the mixes that were tried: its scores are "
        "extrapolated. Train proxies on it before relying on it."
    )
    return Check("Distance to tried mixes", "amber" if distance <= FAR else "red", text)


def _reach(problem: Problem, mix: np.ndarray) -> Check:
    lowest, highest = problem.tried.min(axis=0), problem.tried.max(axis=0)
    beyond = (mix > highest + ON_BOUND) | (mix < lowest - ON_BOUND)
    names = [problem.fitted.runs.domains[i] for i in np.flatnonzero(beyond)]
    if not names:
        text = "Every recommended weight lies between the smallest and the largest share that the swarm tried"
        return Check("Range of each weight", "green", f"{text}{_in_gaps(problem, mix)}.")
    moved = float(np.where(mix > highest, mix - highest, np.maximum(lowest - mix, 0)).sum())
    text = (
        f"The swarm never tried the recommended {_weights(names)}: they exceed its range by {moved:.1%} of all tokens."
    )
    return Check("Range of each weight", "amber" if moved <= FAR else "red", text)


def _in_gaps(problem: Problem, mix: np.ndarray) -> str:
    """The weights that no tried mix comes near, to end a sentence: there the laws interpolate."""
    gaps = [_gap_around(weight, tried) for weight, tried in zip(mix, problem.tried.T, strict=True)]
    wide = [i for i, (low, high) in enumerate(gaps) if high - low >= WIDE]
    if not wide:
        return ""
    largest = max(wide, key=lambda i: (min(mix[i] - gaps[i][0], gaps[i][1] - mix[i]), -i))  # farthest from both
    low, high = gaps[largest]
    return (
        f". For {len(wide)} of {len(mix)} the laws interpolate, because no tried share is within one percentage point: "
        f"{problem.fitted.runs.domains[largest]} has {mix[largest]:.1%}, between tried shares of {low:.1%} and "
        f"{high:.1%}"
    )


def _gap_around(weight: float, tried: np.ndarray) -> tuple[float, float]:
    """The tried shares (n,) next to a weight, below and above it; the weight itself where a tried one is near."""
    if np.abs(tried - weight).min() <= NEAR:
        return float(weight), float(weight)
    return float(tried[tried <= weight].max(initial=0.0)), float(tried[tried >= weight].min(initial=1.0))


def _rank(on_target: HeldOut) -> Check:
    rank = on_target.rank_correlation
    text = f"The laws rank {len(on_target.mixes)} held-out mixes on the target with a correlation of {rank:.2f}"
    if rank >= RANKED:
        return Check("Held-out rank", "green", f"{text} (1 is perfect).")
    if rank >= POORLY_RANKED:
        return Check("Held-out rank", "amber", f"{text} (1 is perfect): they order mixes only roughly.")
    return Check("Held-out rank", "red", f"{text} (1 is perfect): they say little about which mix is better.")


def _signal(problem: Problem) -> Check:
    floor, spread = problem.noise.at_one_seed, spreads(problem.fitted.runs)
    unclear = [task for task, size in spread.items() if size < CLEAR * floor[task]]
    share = 1 - len(unclear) / len(spread)
    count = len(spread)
    text = f"{count - len(unclear)} of {count} tasks vary between mixes by at least {CLEAR:g} times their noise"
    if unclear:
        text += f"; the answer says little about {named(unclear)}"
    status: Status = "green" if share >= CLEAR_SHARE else "amber" if share >= UNCLEAR_SHARE else "red"
    return Check("Signal to noise", status, f"{text}.")


def _coverage(covered: Sequence[Coverage], nominal: float) -> Check:
    row = min(covered, key=lambda row: abs(row.nominal - nominal))
    off = row.nominal - row.of_best
    text = (
        f"Of the {row.count} held-out mixes that were predicted best, {row.of_best:.0%} scored inside their "
        f"{row.nominal:.0%} interval"
    )
    if off > TRUE:
        text += ": intervals are too narrow there, so be slower to believe a small gain."
    elif _surely_more(row):
        text += (
            ": intervals are cautious there, wider than they need to be. What is called better or worse is safe, and "
            "some of what is undecided may be decided with more runs."
        )
    else:
        text += ", about as often as it should be."
    return Check("Calibration", "green" if off <= TRUE else "amber" if off <= UNTRUE else "red", text)


def _surely_more(row: Coverage) -> bool:
    """Whether intervals hold more often than their level, by more than chance."""
    from scipy.stats import binom  # slow to import

    return float(binom.sf(round(row.of_best * row.count) - 1, row.count, row.nominal)) < CHANCE


def _optimism(target: Predicted) -> Check:
    size, left = max(0.0, target.optimism), max(target.gain, 0.0)
    text = f"The laws overstate the gain by {size:.3f}; {target.gain:.3f} is left after that is taken off."
    if target.optimism <= -5e-4:
        text = f"The laws are cautious: they understate the gain by {-target.optimism:.3f}, which is added to it."
    if size <= MILD * left or size < 5e-4:
        return Check("Optimism", "green", text)
    return Check("Optimism", "amber" if size <= LARGE * left else "red", text)


def _noise(recommendation: Recommendation) -> Check:
    size = recommendation.predicted[OVERALL].noise
    if recommendation.noise_from == "replicates":
        text = f"Noise was measured on mixes trained with several seeds: two proxies differ by {size:.3f} by chance."
        return Check("Noise floor", "green", text)
    text = (
        f"No mix was trained with two seeds, so noise is estimated from what the laws leave unexplained: two proxies "
        f"differ by about {size:.3f} by chance. Two or three seeds of one mix would measure it."
    )
    return Check("Noise floor", "amber", text)


def _proof(problem: Problem, recommendation: Recommendation) -> Check:
    if recommendation.gap is None:
        text = "A law is not convex, so the mix was found by a search: there may be a better one."
        return Check("Search for the best mix", "amber", text)
    pulled = problem.pull > 0 and problem.question.settings.limits.closest is None
    text = "By these laws no mix within the limits is better"
    if problem.question.settings.limits.closest is not None:
        text = "By these laws no mix within the limits that gains as much is closer"
    elif pulled:
        text += f", once the pull to {problem.called} is counted with the score"
    return Check("Search for the best mix", "green", f"{text}: this is proven.")


def _weights(names: Sequence[str]) -> str:
    return f"weight{'s' if len(names) > 1 else ''} of {named(names)}"
