"""What a mix costs others: the front between two families, and the score against the distance from natural."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mixes.certainty.intervals import score_intervals
from mixes.certainty.worlds import Worlds
from mixes.laws.fit import LARGE
from mixes.optimum.best import best_mix
from mixes.optimum.objective import Objective, divergence
from mixes.optimum.pareto import pareto_front
from mixes.recommendation.problem import Problem
from mixes.recommendation.result import Predicted
from mixes.recommendation.two_mixes import gains_over
from mixes.target import OVERALL

FRONT, FRONT_IF_LARGE = 9, 4  # points of a front; fewer in large swarms, where each optimum takes seconds
MOST_FAMILIES = 8  # whose own best mixes are compared, those of the largest weight in the target
PULLS = np.geomspace(0.005, 100, 14)  # bpb per nat, in units of all that can be gained: from the optimum to natural


@dataclass(frozen=True)
class Between:
    """A mix of the front between two families; lower is better."""

    mix: np.ndarray  # (n_domains,)
    scores: tuple[float, float]  # by the laws, what they overstate taken off
    lows: tuple[float, float]  # a single proxy's score lies above …
    highs: tuple[float, float]  # … and below


@dataclass(frozen=True)
class Farther:
    """The best mix at a distance from the anchor."""

    mix: np.ndarray  # (n_domains,)
    nats: float  # KL(mix ‖ anchor)
    moved: float  # share of the tokens that change domain on the way from the anchor
    gain: float  # over the reference, on the target; what the laws overstate is taken off
    low: float
    high: float


def most_opposed(problem: Problem) -> tuple[str, str] | None:
    """The two families whose own best mixes cost each other most, in units of their spans; None for fewer than two."""
    names = sorted(problem.by_family, key=lambda name: -_weight_in_target(problem, name))[:MOST_FAMILIES]
    if len(names) < 2:
        return None
    values = {name: problem.objective_of(problem.aims[name]) for name in names}
    own = np.array([_solved(problem, problem.objective_of(problem.aims[name], problem.pull)) for name in names])
    table = np.array([values[name].value(own) for name in names])  # (family, whose best mix)
    tried = np.array([values[name].value(problem.tried) for name in names])
    lost = (table - table.diagonal()[:, None]) / np.maximum(np.ptp(tried, axis=1), 1e-12)[:, None]
    first, second = max(combinations(range(len(names)), 2), key=lambda pair: lost[pair] + lost[pair[::-1]])
    return names[first], names[second]


def front_between(
    problem: Problem, first: str, second: str, points: int | None = None, optimism: tuple[float, float] = (0.0, 0.0)
) -> list[Between]:
    """Mixes of which none is better for one of two families without being worse for the other.

    optimism: as in `between`.

    Raises:
        MixError: as pareto_front.
    """
    objectives = {name: problem.objective_of(problem.aims[name], problem.pull) for name in (first, second)}
    points = points or (FRONT_IF_LARGE if _large(problem) else FRONT)
    front = pareto_front(objectives, problem.limits, points, problem.tried, problem.question.seed)
    return [between(problem, point.mix, first, second, optimism) for point in front]


def between(
    problem: Problem, mix: np.ndarray, first: str, second: str, optimism: tuple[float, float] = (0.0, 0.0)
) -> Between:
    """What one mix (n_domains,) scores on two families.

    optimism: by how much the laws overstate the mix on each of them (`Predicted.optimism`); it is taken off.
    """
    fits, coverage = problem.fitted.local_fits, problem.question.settings.coverage
    aims = [problem.aims[name] for name in (first, second)]
    sides = [
        (float(problem.objective_of(aim).value(mix[None])[0]) + over,
         *(float(end) + over for end in score_intervals(fits, aim, mix[None], coverage)[0]))
        for aim, over in zip(aims, optimism, strict=True)
    ]  # fmt: skip
    return Between(mix, *zip(*sides, strict=True))


def farther_from_anchor(problem: Problem, worlds: Worlds, recommended: np.ndarray, stated: Predicted) -> list[Farther]:
    """The best mixes under ever weaker pulls to the anchor, nearest first; then `recommended` (n_domains,) itself.

    Gains are of each mix as it stands, less what choosing it by fitted laws adds. That is known at the recommended mix,
    by what is `stated` there, and taken to grow with the share of the tokens that move.

    Raises:
        MixError: as best_mix.
    """
    score = problem.objective_of(problem.target)
    ends = np.stack([problem.reference, _solved(problem, score)])
    size = max(float(-np.diff(score.value(ends))[0]), problem.noise.difference[OVERALL])
    pulls = PULLS[:: -3 if _large(problem) else -1]
    path = [_solved(problem, problem.objective_of(problem.target, pull * size)) for pull in pulls]
    mixes = np.array([*path, recommended])
    gains = gains_over(problem, worlds, problem.target, mixes, problem.reference)
    nats = np.maximum(divergence(problem.anchor).value(mixes), 0.0)
    moved = share_moved(mixes, problem.anchor)
    along = np.minimum(moved / max(float(moved[-1]), 1e-12), 1.0)
    here = gains[-1]
    added = (stated.gain - here.value, stated.gain_low - here.low, stated.gain_high - here.high)
    steps = []
    for mix, far, move, part, gain in zip(mixes, nats, moved, along, gains, strict=True):
        value, low, high = (
            end + part * more for end, more in zip((gain.value, gain.low, gain.high), added, strict=True)
        )
        steps.append(Farther(mix, float(far), float(move), value, min(low, value), max(high, value)))
    return steps


def share_moved(mixes: np.ndarray, start: np.ndarray) -> np.ndarray:
    """(m,) share of the tokens that change domain on the way from `start` (n_domains,) to each mix (m, n_domains)."""
    return 0.5 * np.abs(mixes - start).sum(axis=-1)


def _large(problem: Problem) -> bool:
    return problem.tried.size > LARGE


def _solved(problem: Problem, objective: Objective) -> np.ndarray:
    return best_mix(objective, problem.limits, candidates=problem.tried, seed=problem.question.seed).mix


def _weight_in_target(problem: Problem, family: str) -> float:
    return sum(problem.target.get(task, 0.0) for task, weight in problem.by_family[family].items() if weight)
