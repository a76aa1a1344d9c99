"""Which limits contradict each other: the smallest set, by name.

By Farkas' lemma, linear limits contradict each other where a sum of them, with multipliers ≥ 0, says 0 ≤ −1. The sum
with the fewest named limits is the solution of a mixed-integer program (Gleeson and Ryan 1990 show that these sums and
minimal conflicts are the same). Convex limits enter as their tangents at the mix that violates all limits least, where
multipliers prove that no mix does better. Limits that the conflict does not need are then left out one by one.
"""

from collections.abc import Sequence

import numpy as np

from mixes.errors import MixError
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.feasible import room_of, settle, sink
from mixes.optimum.polytope import extremes, furnish

SURE = 1e-4  # least contradiction, in units of weight, that the mixed-integer program can tell from its tolerance
SHOWN = 4  # limits that are named in full
Limit = Bound | AtMost


def conflict_of(domains: tuple[str, ...], bounds: Sequence[Bound], convex: Sequence[AtMost]) -> MixError:
    """The error that names the smallest conflicting set of limits that no mix meets."""
    room = room_of(domains, bounds)
    furnished = furnish(room)
    tangents: list[tuple[AtMost, np.ndarray, float]] = []
    if furnished is not None:
        mix = sink(*furnished, convex)[0] if len(furnished[0].free) else furnished[1]
        for ceiling in convex:
            slope = ceiling.objective.gradient(mix)
            size = np.abs(slope - slope.mean()).max() or 1.0  # Σ w = 1, so a constant in the slope says nothing
            right = ceiling.most - float(ceiling.objective.value(mix[None])[0]) + slope @ mix
            tangents.append((ceiling, (slope - slope.mean()) / size, (right - slope.mean()) / size))
    alone = [ceiling for ceiling in convex if not _met(domains, [ceiling])]
    chosen = alone[:1] or _needed(domains, _fewest(domains, bounds, tangents))
    names = [limit.name for limit in chosen[:SHOWN]]
    more = f" and {len(chosen) - SHOWN} more" if len(chosen) > SHOWN else ""
    if len(chosen) == 1:
        return MixError(f"limits: no mix meets {names[0]!r} — loosen it{_hint(domains, chosen)}")
    return MixError(
        f"limits: no mix meets all of {'; '.join(names)}{more} — loosen one of them{_hint(domains, chosen)}"
    )


def _fewest(
    domains: tuple[str, ...], bounds: Sequence[Bound], tangents: Sequence[tuple[AtMost, np.ndarray, float]]
) -> list[Limit]:
    """The fewest named limits whose sum is a contradiction; all of them where none is found (a contradiction smaller
    than the tolerance)."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to import

    owners: list[Limit | None] = []
    rows: list[np.ndarray] = []
    rights: list[float] = []
    for bound in bounds:
        members = bound.members(domains)
        if bound.low > 0:
            owners, rows, rights = [*owners, bound], [*rows, -members], [*rights, -bound.low]
        if bound.high < 1:
            owners, rows, rights = [*owners, bound], [*rows, members], [*rights, bound.high]
    for ceiling, row, right in tangents:
        owners, rows, rights = [*owners, ceiling], [*rows, row], [*rights, right]
    named: list[Limit] = [*bounds, *(ceiling for ceiling, _, _ in tangents)]
    d, m, k = len(domains), len(rows), len(named)
    matrix = np.array(rows).reshape(m, d)
    # Variables: multipliers of limits (m), of w ≥ 0 (d), of Σ w = 1 (1), and whether a limit is named (k).
    belongs = np.array([[float(owner is limit) for limit in named] for owner in owners]).reshape(m, k)
    balance = np.column_stack([matrix.T, -np.eye(d), np.ones((d, 1)), np.zeros((d, k))])
    says = np.concatenate([rights, np.zeros(d), [1.0], np.zeros(k)])
    used = np.column_stack([np.eye(m), np.zeros((m, d + 1)), -belongs])
    solution = milp(
        np.concatenate([np.zeros(m + d + 1), np.ones(k)]),
        constraints=[
            LinearConstraint(balance, 0, 0),
            LinearConstraint(says[None], -np.inf, -SURE),
            LinearConstraint(used, -np.inf, 0),
        ],
        bounds=Bounds(
            np.concatenate([np.zeros(m + d), [-np.inf], np.zeros(k)]),
            np.concatenate([np.ones(m), np.full(d + 1, np.inf), np.ones(k)]),
        ),
        options={"presolve": False},
        integrality=np.concatenate([np.zeros(m + d + 1), np.ones(k)]),
    )
    if solution.x is None:
        return named
    fewest = [limit for limit, chosen in zip(named, solution.x[-k:] > 0.5, strict=True) if chosen]
    return named if _met(domains, fewest) else fewest


def _met(domains: tuple[str, ...], limits: Sequence[Limit]) -> bool:
    """Whether some mix meets all of them."""
    bounds = [limit for limit in limits if isinstance(limit, Bound)]
    convex = [limit for limit in limits if isinstance(limit, AtMost)]
    return settle(room_of(domains, bounds), convex) is not None


def _needed(domains: tuple[str, ...], limits: Sequence[Limit]) -> list[Limit]:
    """The limits without those that the conflict does not need."""
    kept = list(limits)
    for limit in limits:
        rest = [other for other in kept if other is not limit]
        if rest and not _met(domains, rest):
            kept = rest
    return kept


def _hint(domains: tuple[str, ...], chosen: Sequence[Limit]) -> str:
    """How far the last limit would have to move if the others stay. Empty where several are convex (they come last), or
    where it is a single bound."""
    *others, last = chosen
    bounds = [limit for limit in others if isinstance(limit, Bound)]
    if len(bounds) < len(others) or (isinstance(last, Bound) and not others):
        return ""
    room = room_of(domains, bounds)
    if isinstance(last, Bound):
        smallest, largest = extremes(room, last.members(domains))
        return f", the last for example to {smallest if smallest > last.high else largest:.4g}"
    furnished = furnish(room)
    assert furnished  # no smaller set contradicts itself
    mix = sink(*furnished, [last])[0] if len(furnished[0].free) else furnished[1]
    smallest = float(last.objective.value(mix[None])[0])
    return (
        f" (of the last, {smallest:.4g} is the least possible)"
        if others
        else f" ({smallest:.4g} is the least possible)"
    )
