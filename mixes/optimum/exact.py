"""The best mix of a convex objective, with a proof: an upper bound on how far any other mix could be better.

The proof does not rely on the solver. The solver's multipliers give a lower bound of the objective over all mixes that
meet the limits (`Lifted.bound`); the gap is the distance from there to the value of the returned mix, dust
removed. Where mixes are equally good, as under linear laws, a pull of LEAN of the objective's range chooses the one
closest to the anchor in squared distance, which is unique (Mangasarian and Meyer 1979: for a small enough pull, it is
exactly the closest of the best).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.optimum.interior import Solver
from mixes.optimum.iterates import Point
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, side_by_side
from mixes.optimum.program import Lifted, Scaled, first_order_range

OPTIMAL = 1e-6  # largest gap, as a share of the objective's range, that counts as an optimum
DUST = (1e-6, 1e-8)  # a weight this close to its bound, and pressed to it, is put on it
PERCENT = 0.01
AT_ONCE = 100  # objectives side by side; more take more memory, and no less time (measured)


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
    span, offset = _scale(objective, limits)
    lifted = _program(objective, limits, offset, span)
    return certified(lifted, limits, np.zeros(0), span, _value_of(objective), offset, within)


def exact_mixes(objectives: Sequence[Objective], limits: Limits, within: float = OPTIMAL) -> list[Optimum | None]:
    """exact_mix of each of several objectives of the same tasks, forms of law, anchor and pull; None where it raises.

    They are solved side by side, which takes a third to a half of the time (measured: 24 domains, 105 tasks and fewer).
    """
    return [
        optimum
        for first in range(0, len(objectives), AT_ONCE)
        for optimum in _side_by_side(objectives[first : first + AT_ONCE], limits, within)
    ]


def _side_by_side(objectives: Sequence[Objective], limits: Limits, within: float) -> list[Optimum | None]:
    scales = [_scale(objective, limits) for objective in objectives]
    spans, offsets = np.array(scales).T
    free = limits.room.free
    if not len(free):
        return [exact_mix(objective, limits, within) for objective in objectives]
    solver = Solver(_program(side_by_side(objectives), limits, offsets, spans).program)
    points = solver.solve(np.tile(limits.centre[free], (len(objectives), 1)))
    optima: list[Optimum | None] = []
    for number, (objective, (span, offset)) in enumerate(zip(objectives, scales, strict=True)):
        lifted = _program(objective, limits, offset, span)
        end = points.of(number)
        try:
            optima.append(_proven(lifted, limits, solver, end, span, _value_of(objective), offset, within))
        except MixError:
            optima.append(None)
    return optima


def _scale(objective: Objective, limits: Limits) -> tuple[float, float]:
    """The objective's range, and its value at the limits' centre."""
    return first_order_range(limits.room, objective, limits.centre), float(objective.at(limits.centre).value)


def _value_of(objective: Objective) -> Callable[[np.ndarray], float]:
    return lambda mix: float(objective.at(mix).value)


def _program(objective: Objective, limits: Limits, offset: float | np.ndarray, span: float | np.ndarray) -> Lifted:
    terms = [Scaled(objective, offset, 1 / span), *limits.scaled]
    return Lifted(
        limits.room, limits.centre, terms, np.zeros((len(terms), 0)), np.zeros(0), np.zeros(0), objective.anchor
    )


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
    point = solver.solve(np.append(limits.centre[free], further)[None]).of(0)
    return _proven(lifted, limits, solver, point, span, value, offset, within)


def _proven(
    lifted: Lifted,
    limits: Limits,
    solver: Solver,
    point: Point,
    span: float,
    value: Callable[[np.ndarray], float],
    offset: float,
    within: float,
) -> Optimum:
    """The mix of a solver's end, dust removed, and its gap."""
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
    active = solver.program.rows[pressed[solver.of_rows], : len(free)]
    slopes = point.slopes[1:, : len(free)][pressed[solver.of_convex]]
    for dust in DUST:
        on_low, on_high = low & (mix < room.low + dust), high & (mix > room.high - dust)
        cleaned = np.where(on_low, room.low, np.where(on_high, room.high, mix))
        moving = ~(on_low | on_high)[free]
        rows = np.concatenate([solver.program.equal[:, : len(free)], active, slopes])
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
        prices[ceiling.name] = float(force * term.factor) * span * PERCENT
    return {name: price for name, price in prices.items() if price > OPTIMAL * span * PERCENT}
