"""Whether linear and convex limits can be met together, and if so a mix strictly inside all of them."""

from collections.abc import Sequence

import numpy as np

from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.interior import Solver
from mixes.optimum.iterates import Point
from mixes.optimum.objective import Objective
from mixes.optimum.polytope import Room, furnish
from mixes.optimum.program import Lifted, Scaled, first_order_range

DEEP = 0.05  # share of a constraint's range: a mix that is this far inside is taken as it is
SHALLOW = 1e-9  # share of a constraint's range: limits that leave less room than this leave none


def room_of(domains: tuple[str, ...], bounds: Sequence[Bound]) -> Room:
    """The linear limits as arrays; bounds of one domain become its low and high."""
    low, high = np.zeros(len(domains)), np.ones(len(domains))
    groups = [bound for bound in bounds if len(bound.domains) > 1]
    for bound in bounds:
        if len(bound.domains) == 1:
            at = domains.index(bound.domains[0])
            low[at], high[at] = max(low[at], bound.low), min(high[at], bound.high)
    return Room(
        low,
        high,
        np.array([group.members(domains) for group in groups]).reshape(len(groups), len(domains)),
        np.array([group.low for group in groups]),
        np.array([group.high for group in groups]),
    )


def scaled(room: Room, constraint: AtMost, mix: np.ndarray) -> Scaled:
    """The constraint as a function that must stay ≤ 0 and whose slope is of order 1 at a mix."""
    return Scaled(constraint.objective, constraint.most, 1 / first_order_range(room, constraint.objective, mix))


def settle(room: Room, convex: Sequence[AtMost]) -> tuple[Room, np.ndarray] | None:
    """The furnished room, and a mix (n_domains,) strictly inside it and all convex constraints; None if none is."""
    furnished = furnish(room)
    if furnished is None or not convex:
        return furnished
    room, inside = furnished
    if not len(room.free):
        return (
            (room, inside)
            if all(ceiling.objective.value(inside[None])[0] <= ceiling.most for ceiling in convex)
            else None
        )
    terms = [scaled(room, ceiling, inside) for ceiling in convex]
    if max(term.value(inside) for term in terms) < -DEEP:
        return room, inside
    mix, depth, _ = sink(room, inside, convex)
    return (room, mix) if depth < -SHALLOW else None


def sink(room: Room, inside: np.ndarray, convex: Sequence[AtMost]) -> tuple[np.ndarray, float, np.ndarray]:
    """Minimise the largest violation t of the convex constraints, from a mix strictly inside a furnished room.

    Returns:
        the mix (n_domains,); t, in ranges of the constraints, no better than half as deep as it could be where it is
        below zero; the multipliers of the constraints, which sum to one.
    """
    nothing = Scaled(Objective((), inside), 0.0, 0.0)
    terms = [scaled(room, ceiling, inside) for ceiling in convex]
    further = np.append(1.0, -np.ones(len(terms)))[:, None]
    lifted = Lifted(room, inside, [nothing, *terms], further, np.array([-np.inf]), np.array([np.inf]), inside)
    solver = Solver(lifted.program)

    def deep_enough(point: Point) -> np.ndarray:
        depth = point.x[:, -1] + point.values[:, 1:].max(axis=1)
        return (depth < 0) & ((point.slack * point.multipliers).sum(axis=1) < -0.5 * depth)

    start = np.append(inside[room.free], max(term.value(inside) for term in terms) + 1.0)
    point = solver.solve(start[None], enough=deep_enough).of(0)
    mix = lifted.embed(point.x)
    return mix, max(term.value(mix) for term in terms), point.multipliers[solver.of_convex]
