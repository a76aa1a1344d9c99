"""The best mix of a convex objective, with a proof: an upper bound on how far any other mix could be better.

The proof does not rely on the solver. The solver's multipliers give a lower bound of the objective over all mixes that
meet the limits (`Lifted.bound`); the gap is the distance from there to the value of the returned mix, dust
removed. Where mixes are equally good, as under linear laws, a pull of LEAN of the objective's range chooses the one
closest to the anchor in squared distance, which is unique (Mangasarian and Meyer 1979: for a small enough pull, it is
exactly the closest of the best).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.optimum.interior import Point, Solver
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective
from mixes.optimum.program import Lifted, Scaled, first_order_range

OPTIMAL = 1e-6  # largest gap, as a share of the objective's range, that counts as an optimum
DUST = (1e-6, 1e-8)  # a weight this close to its bound, and pressed to it, is put on it
PERCENT = 0.01


@dataclass(frozen=True)
class Optimum:
    """A mix that is best within limits."""

    mix: np.ndarray  # (n_domains,)
    value: float  # of the objective, bpb
    gap: float | None  # bpb: no mix within the limits is better by more; None where the mix comes from a search
    range: float  # bpb: what the objective's slope at the limits' centre promises; gaps are judged by it
    prices: dict[str, float]  # binding limit → bpb gained if it is loosened by 0.01 (a percent, 0.01 nat, …)


def exact_mix(objective: Objective, limits: Limits, within: float = OPTIMAL) -> Optimum:
    """The best mix of a convex objective under convex limits.

    within: largest gap that is accepted where OPTIMAL is not reached, as a share of the objective's range.

    Raises:
        MixError: the gap could not be closed.
    """
    span, offset = first_order_range(limits.room, objective, limits.centre), objective.at(limits.centre).value
    terms = [Scaled(objective, offset, 1 / span), *limits.scaled]
    lifted = Lifted(
        limits.room, limits.centre, terms, np.zeros((len(terms), 0)), np.zeros(0), np.zeros(0), objective.anchor
    )
    return certified(lifted, limits, np.zeros(0), span, lambda mix: objective.at(mix).value, offset, within)


def certified(
    lifted: Lifted,
    limits: Limits,
    further: np.ndarray,
    span: float,
    value: Callable[[np.ndarray], float],
    offset: float,
    within: float = OPTIMAL,
) -> Optimum:
    """Solve a lifted program, remove dust, check the gap.

    further: where the variables beyond the mix start; value: mix → what is minimised, bpb, which is offset + span F_0.
    """
    free = limits.room.free
    if not len(free):
        return Optimum(limits.centre, value(limits.centre), 0.0, span, {})
    solver = Solver(lifted.program)
    point = solver.solve(np.append(limits.centre[free], further))
    least, slope = lifted.bound(point, solver.of_rows, solver.of_convex)
    least = offset + span * least
    for allowed in (OPTIMAL, within):
        for mix in _candidates(lifted, solver, point):
            reached = value(mix)
            if reached - least <= allowed * span and bool(limits.met(mix[None])[0]):
                prices = _prices(lifted, limits, solver, point, slope, mix, span)
                return Optimum(mix, reached, max(reached - least, 0.0), span, prices)
    short = (value(lifted.embed(point.x)) - least) / span
    raise MixError(
        f"optimum: the solver found no mix within the limits that is proven to be best: its gap is {short:.2g} of the "
        f"objective's range, {OPTIMAL:g} is allowed — please report the swarm"
    )


def _candidates(lifted: Lifted, solver: Solver, point: Point) -> Iterator[np.ndarray]:
    """The end point as a mix: first with weights that are pressed to a bound put on it, then with fewer, then with
    none."""
    room, mix = lifted.room, lifted.embed(point.x)
    pressed = point.multipliers > point.slack
    low, high = np.zeros(len(mix), dtype=bool), np.zeros(len(mix), dtype=bool)
    free = room.free
    at_low, at_high = pressed[solver.of_low][: len(free)], pressed[solver.of_high][: len(free)]
    low[free], high[free] = at_low, at_high
    active = lifted.program.rows[pressed[solver.of_rows], : len(free)]
    slopes = point.slopes[1:, : len(free)][pressed[solver.of_convex]]
    for dust in DUST:
        on_low, on_high = low & (mix < room.low + dust), high & (mix > room.high - dust)
        cleaned = np.where(on_low, room.low, np.where(on_high, room.high, mix))
        moving = ~(on_low | on_high)[free]
        rows = np.concatenate([lifted.program.equal[:, : len(free)], active, slopes])
        missing = rows @ (mix - cleaned)[free]
        change = np.zeros(len(free))
        change[moving] = np.linalg.lstsq(rows[:, moving], missing, rcond=1e-12)[0] if moving.any() else 0.0
        cleaned[free] += change
        yield np.clip(cleaned, room.low, room.high)
    yield np.clip(mix, room.low, room.high)


def _prices(
    lifted: Lifted, limits: Limits, solver: Solver, point: Point, slope: np.ndarray, mix: np.ndarray, span: float
) -> dict[str, float]:
    """Binding limit → bpb per 0.01 of loosening; limits whose price counts as zero are left out.

    Of several bounds that hold one domain at the same place, the first has the price.
    """
    wanted = dict(zip(limits.domains, -slope - point.of_equal[0], strict=True))  # above 0: more would help
    of_groups = dict(zip(limits.groups, lifted.of_groups(point, solver.of_rows), strict=True))
    prices: dict[str, float] = {}
    priced: set[tuple[str, ...]] = set()
    for bound in limits.bounds:
        force = of_groups[bound] if bound in of_groups else wanted[bound.domains[0]]
        side = bound.high if force > 0 else bound.low
        holds = abs(bound.members(limits.domains) @ mix - side) <= DUST[0] and (bound.low > 0 or force > 0)
        if holds and bound.domains not in priced:
            priced.add(bound.domains)
            prices[bound.name] = abs(float(force)) * span * PERCENT
    for ceiling, term, force in zip(
        limits.ceilings, lifted.terms[1:], point.multipliers[solver.of_convex], strict=False
    ):
        prices[ceiling.name] = float(force) * term.factor * span * PERCENT
    return {name: price for name, price in prices.items() if price > OPTIMAL * span * PERCENT}
