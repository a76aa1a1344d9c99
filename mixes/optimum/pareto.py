"""The Pareto front between families: mixes of which none is better for one family without being worse for another.

Every mix on the front is the optimum of some target, and is returned with that target. For two families the widest gap
is always split: the target under which the gap's two ends are equally good leads to the mix furthest below the line
between them (Cohon 1978, the non-inferior set estimation method). For more families, targets lie on an even lattice.
Values are compared in units of each family's span between the families' own optima, so units do not matter.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mixes.errors import MixError
from mixes.optimum.best import best_mix
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part
from mixes.optimum.program import first_order_range

OTHERS = 1e-4  # least share of the target of every family, in its own range, so that none is worse than it must be
FLAT = 1e-6  # share of a family's span; a gap that is flatter is itself the front


@dataclass(frozen=True)
class FrontPoint:
    """A mix on the front."""

    mix: np.ndarray  # (n_domains,)
    target: dict[str, float]  # family → its weight in the target that has this mix as its optimum; sums to one
    values: dict[str, float]  # family → bpb


def pareto_front(
    objectives: Mapping[str, Objective],
    limits: Limits,
    points: int,
    candidates: np.ndarray | None = None,
    seed: int = 0,
) -> list[FrontPoint]:
    """At most `points` mixes that no other dominates, in order of the first family's bpb.

    objectives: family → its mean bpb as a function of the mix. All have one anchor; their pulls are weighted as they
    are.

    Raises:
        MixError: fewer than two families, fewer points than families, or as best_mix.
    """
    if len(objectives) < 2 or points < len(objectives):
        raise MixError(
            f"front: {points} points for {len(objectives)} families — it needs two families and one point per family"
        )
    names = list(objectives)

    ranges = np.array([first_order_range(limits.room, objective, limits.centre) for objective in objectives.values()])

    def solved(weights: np.ndarray) -> FrontPoint:
        target = weights + OTHERS * (weights @ ranges) / ranges
        target = target / target.sum()
        optimum = best_mix(_sum([objectives[name] for name in names], target), limits, candidates=candidates, seed=seed)
        values = {
            name: float(replace(objective, pull=0.0).value(optimum.mix[None])[0])
            for name, objective in objectives.items()
        }
        return FrontPoint(optimum.mix, dict(zip(names, target.tolist(), strict=True)), values)

    ends = [solved(row) for row in np.diag(1 / ranges)]
    table = np.array([list(end.values.values()) for end in ends])
    span = np.where(np.ptp(table, axis=0) > 0, np.ptp(table, axis=0), 1.0)  # bpb by family
    if len(names) == 2:
        front = _split(ends, span, points, solved)
    else:
        front = ends + [solved(row / span) for row in _lattice(len(names), points)]
    return sorted(_undominated(front, span), key=_order)


def _split(
    ends: list[FrontPoint], span: np.ndarray, points: int, solved: Callable[[np.ndarray], FrontPoint]
) -> list[FrontPoint]:
    """Points between two ends, the widest gap split first; gaps that are the front itself stay."""
    front = sorted(ends, key=_order)
    open_gaps = [(front[0], front[1])]
    while open_gaps and len(front) < points:
        left, right = open_gaps.pop(int(np.argmax([_apart(*gap, span) for gap in open_gaps])))
        a, b = _at(left, span), _at(right, span)
        across = np.abs(b - a)[::-1]  # square to the line from a to b
        between = solved(across / span) if across.min() > 0 else left
        if across @ (a - _at(between, span)) > FLAT * across.sum():
            front.append(between)
            open_gaps += [(left, between), (between, right)]
    return front


def _at(point: FrontPoint, span: np.ndarray) -> np.ndarray:
    """(n_families,) in units of the families' spans."""
    return np.array(list(point.values.values())) / span


def _apart(left: FrontPoint, right: FrontPoint, span: np.ndarray) -> float:
    return float(np.linalg.norm(_at(left, span) - _at(right, span)))


def _order(point: FrontPoint) -> tuple[float, ...]:
    return tuple(point.values.values())


def _lattice(families: int, points: int) -> np.ndarray:
    """Weights (n, n_families) on the finest even lattice of at most `points`, corners left out."""
    steps = 1
    while math.comb(steps + families, families - 1) <= points:
        steps += 1
    rows = [row for row in itertools.product(range(steps + 1), repeat=families) if sum(row) == steps > max(row)]
    return np.array(rows, dtype=float).reshape(-1, families) / steps


def _undominated(front: Sequence[FrontPoint], span: np.ndarray) -> list[FrontPoint]:
    """Without points that another one dominates or equals."""
    kept: list[FrontPoint] = []
    for point in sorted(front, key=lambda candidate: _at(candidate, span).sum()):  # only an earlier one can dominate
        at = _at(point, span)
        if not any((_at(other, span) <= at + FLAT).all() for other in kept):
            kept.append(point)
    return kept


def _sum(objectives: Sequence[Objective], weights: np.ndarray) -> Objective:
    """Σ weight × objective, parts of one form of law joined."""
    by_kind: dict[str, list[tuple[Part, float]]] = {}
    for objective, weight in zip(objectives, weights, strict=True):
        for part in objective.parts:
            by_kind.setdefault(part.kind.name, []).append((part, weight))
    parts = (
        Part(
            chosen[0][0].kind,
            np.concatenate([part.parameters for part, _ in chosen]),
            np.concatenate([weight * part.values for part, weight in chosen]),
        )
        for chosen in by_kind.values()
    )
    pull = sum(weight * objective.pull for objective, weight in zip(objectives, weights, strict=True))
    return Objective(tuple(parts), objectives[0].anchor, float(pull))
