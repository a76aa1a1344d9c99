"""An interior point method for smooth convex programs of some hundred variables, many side by side.

    minimise    F_0(x)
    subject to  F_i(x) ≤ 0,  low ≤ x ≤ high,  rows x ≤ right,  equal x = total

Newton steps on the primal-dual optimality conditions with Mehrotra's predictor and corrector (Mehrotra 1992; Nocedal
and Wright, Numerical Optimization, chapters 14 and 19), kept near the central path by a line search on the conditions'
residual. Iterates obey all linear constraints. Convex ones have slacks of their own, which meet them only at the end:
along a curved boundary, iterates that had to obey would creep. The caller checks whether the end is an optimum, by a
bound of its own (mixes/optimum/exact.py).

Programs side by side share their linear constraints. Each goes its own way: what they share is numpy's overhead, which
takes most of the time of one (measured).
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs

from mixes.optimum.iterates import Point, Program, Step, Values

ITERATIONS = 100
TOLERANCE = 1e-11  # the sum of slack × multiplier at the end
SETTLED = 1e-8  # at the end, the most that a Newton step moves a variable, and that slopes differ
TO_BOUNDARY = 0.995  # of the way to the nearest boundary, at most
WORTHWHILE = 0.1  # least length of a corrected step; below it a plain step is taken
SHORTEST = 1e-8  # steps below end the method
NEIGHBOURHOOD = 1e-4  # least slack × multiplier, as a share of their mean


class Solver:
    """The programs' inequalities in one order: finite lows, finite highs, rows, convex constraints."""

    def __init__(self, program: Program) -> None:
        self.program = program
        lows, highs = np.isfinite(program.low), np.isfinite(program.high)
        ends = np.cumsum([lows.sum(), highs.sum(), len(program.rows)])
        self.of_low, self.of_high, self.of_rows = (
            slice(start, end) for start, end in zip([0, *ends[:2]], ends, strict=True)
        )
        self.of_convex = slice(ends[2], None)
        # A slice is a view, indices make a copy: so all variables, the usual case, are a slice.
        self.lows, self.highs = (slice(None) if have.all() else np.flatnonzero(have) for have in (lows, highs))
        self._low, self._high = program.low[self.lows], program.high[self.highs]

    def solve(self, starts: np.ndarray, enough: Callable[[Point], np.ndarray] | None = None) -> Point:
        """Of each program the iterate at which Newton steps move nothing, or get no further.

        starts: (B, n) strictly inside all linear constraints; enough: which programs may end early (b,).
        """
        active = np.arange(len(starts))
        self._choose(active)
        point = self._start(starts)
        ends = point.of(active)
        for _ in range(ITERATIONS):
            following, moved = self._step(point, enough(point) if enough else np.zeros(len(active), dtype=bool))
            if not moved.all():
                ends.put(active[~moved], point.of(~moved))
                active, following = active[moved], following.of(moved)
                self._choose(active)
            point = following
            if not len(active):
                break
        ends.put(active, point)
        return ends

    def _choose(self, active: np.ndarray) -> None:
        """Go on with these programs."""
        self._active = active
        self._functions = self.program.functions(active)

    def _at(self, x: np.ndarray, which: np.ndarray) -> Values:
        """The functions of some of the active programs."""
        if len(which) == len(self._active):
            return self._functions(x)
        return self.program.functions(self._active[which])(x)

    def _start(self, x: np.ndarray) -> Point:
        at = self._functions(x)
        slack = np.concatenate([self._linear_slack(x), np.maximum(-at.values[:, 1:], 1e-2)], axis=1)
        of_equal = np.zeros((len(x), len(self.program.equal)))
        return self._point(x, slack, 1 / slack.shape[1] / slack, of_equal, at)

    def _point(
        self, x: np.ndarray, slack: np.ndarray, multipliers: np.ndarray, of_equal: np.ndarray, at: Values
    ) -> Point:
        over = np.zeros(slack.shape)
        over[:, self.of_convex] = at.values[:, 1:] + slack[:, self.of_convex]
        gradient = at.slopes[:, 0] + self._pulled(at, multipliers) + of_equal @ self.program.equal
        return Point(x, slack, over, multipliers, of_equal, at, gradient)

    def _moved(
        self, point: Point, length: np.ndarray, step: Step, which: np.ndarray
    ) -> tuple[Point | None, np.ndarray]:
        """The points `length` (b,) of a step on, of the active programs `which` (b,): those that stay near the central
        path, and whether each does."""
        x = point.x + length[:, None] * step.x
        linear = self._linear_slack(x)
        good = linear.min(axis=1, initial=np.inf) > 0
        if not good.any():
            return None, good
        if not good.all():
            rest, stays = self._moved(point.of(good), length[good], step.of(good), which[good])
            good[good] = stays
            return rest, good
        at, slack = self._at(x, which), linear
        multipliers = point.multipliers + length[:, None] * step.multipliers
        if at.values.shape[1] > 1:
            own = (point.slack + length[:, None] * step.slack)[:, self.of_convex]
            slack = np.concatenate([linear, np.maximum(own, -at.values[:, 1:])], axis=1)
        products = slack * multipliers
        good = products.min(axis=1) > NEIGHBOURHOOD * products.mean(axis=1)  # False for nan, too
        moved = self._point(x, slack, multipliers, point.of_equal + length[:, None] * step.of_equal, at)
        return (moved if good.all() else moved.of(good)), good

    def _linear_slack(self, x: np.ndarray) -> np.ndarray:
        own = [x[:, self.lows] - self._low, self._high - x[:, self.highs]]
        return np.concatenate([*own, self.program.right - x @ self.program.rows.T], axis=1)

    def _pulled(self, at: Values, forces: np.ndarray) -> np.ndarray:
        """(b, n) Σ forces × the gradients of the inequalities, each as a function that must stay ≤ 0."""
        total = forces[:, self.of_rows] @ self.program.rows
        total += np.einsum("bm,bmn->bn", forces[:, self.of_convex], at.slopes[:, 1:])
        total[:, self.lows] -= forces[:, self.of_low]
        total[:, self.highs] += forces[:, self.of_high]
        return total

    def _pushed(self, point: Point, step: np.ndarray) -> np.ndarray:
        """First-order change of the slacks by a step (b, n)."""
        by_convex = np.einsum("bmn,bn->bm", point.slopes[:, 1:], step)
        own = [step[:, self.lows], -step[:, self.highs], -step @ self.program.rows.T, -by_convex]
        return np.concatenate(own, axis=1)

    def _step(self, point: Point, over: np.ndarray) -> tuple[Point, np.ndarray]:
        """The next iterates, and which programs have one; over (b,): those that need none. A program has none where a
        step moves nothing, or none gets any further."""
        solve, stiffness = self._factored(point)
        mean, apart, count = point.mean, point.apart, point.slack.shape[1]
        ahead = solve(np.zeros_like(point.slack))
        over = over | (mean * count < TOLERANCE) & (np.maximum(np.abs(ahead.x).max(axis=1), apart) < SETTLED)
        length = np.minimum(_longest(point.slack, ahead.slack), _longest(point.multipliers, ahead.multipliers))
        length = np.minimum(1.0, length)[:, None]
        after = ((point.slack + length * ahead.slack) * (point.multipliers + length * ahead.multipliers)).mean(axis=1)
        least = 1e-3 * apart / count  # else the slacks vanish before the slopes agree, and no step is possible
        centred = np.clip((after / mean) ** 3 * mean, np.minimum(mean, least), mean)
        corrected = solve(centred[:, None] - ahead.slack * ahead.multipliers)
        following, moved = self._searched(point, corrected, centred, stiffness, WORTHWHILE, ~over)
        if (stuck := ~(over | moved)).any():
            centred = np.maximum(centred, 0.3 * mean)  # a plain Newton step shrinks the residual, if it is short enough
            plain = solve(np.broadcast_to(centred[:, None], point.slack.shape))
            freed, freed_moved = self._searched(point, plain, centred, stiffness, SHORTEST, stuck)
            following.put(freed_moved, freed.of(freed_moved))
            moved |= freed_moved
        return following, moved

    def _factored(self, point: Point) -> tuple[Callable[[np.ndarray], Step], np.ndarray]:
        """The Newton systems, factored once: a function that solves them for wanted products slack × multiplier; their
        stiffness.

        The variables' own bounds are eliminated, rows, convex constraints and equations are not: their products
        would drown small curvatures.
        """
        p, (count, n), ratio = self.program, point.x.shape, point.multipliers / point.slack
        rows, equal = (np.broadcast_to(one, (count, *one.shape)) for one in (p.rows, p.equal))
        dense, of_dense = np.concatenate([rows, point.slopes[:, 1:]], axis=1), slice(self.of_rows.start, None)
        below = np.concatenate([dense, equal], axis=1)
        size, curved, end = n + below.shape[1], point.at.bends.shape[-1], n + dense.shape[1]
        matrix = np.zeros((count, size, size))
        matrix[:, :curved, :curved] = point.at.bends[:, 0]
        if dense.shape[1] > len(p.rows):
            forces = point.multipliers[:, self.of_convex]
            matrix[:, :curved, :curved] += np.einsum("bm,bmij->bij", forces, point.at.bends[:, 1:])
        matrix[:, n:, :n], matrix[:, :n, n:] = below, np.swapaxes(below, 1, 2)
        diagonal = np.einsum("bii->bi", matrix)
        of_x = diagonal[:, :n]
        of_x[:, self.lows] += ratio[:, self.of_low]
        of_x[:, self.highs] += ratio[:, self.of_high]
        diagonal[:, n:end] = -1 / ratio[:, of_dense]
        unit = np.ones((count, size))
        unit[:, :n] = 1 / np.sqrt(np.where(of_x > 0, of_x, 1.0))
        stiffness = of_x + np.einsum("bm,bmn->bn", ratio[:, of_dense], dense**2)
        factors = [dgetrf(one)[:2] for one in matrix * unit[:, None] * unit[:, :, None]]  # without scipy's overhead
        own = slice(0, self.of_rows.start)
        missing, of_equations = p.total - point.x @ p.equal.T, point.of_equal @ p.equal

        def solve(products: np.ndarray) -> Step:
            forces = point.multipliers.copy()
            forces[:, own] = (products / point.slack)[:, own]
            wanted = point.slopes[:, 0] + self._pulled(point.at, forces) + of_equations
            over = (point.slack - products / point.multipliers - point.over)[:, of_dense]
            right = unit * np.concatenate([-wanted, over, missing], axis=1)
            solution = unit * np.array([dgetrs(*factor, one)[0] for factor, one in zip(factors, right, strict=True)])
            x = solution[:, :n]
            slack = self._pushed(point, x) - point.over
            multipliers = products / point.slack - point.multipliers - ratio * slack
            multipliers[:, of_dense] = solution[:, n:end]
            return Step(x, slack, multipliers, solution[:, end:])

        return solve, stiffness

    def _searched(
        self, point: Point, step: Step, centred: np.ndarray, stiffness: np.ndarray, shortest: float, wanted: np.ndarray
    ) -> tuple[Point, np.ndarray]:
        """As much of a step as leaves a smaller residual, within the neighbourhood; and which of the `wanted` programs
        (b,) have such a step.

        The residual of the optimality conditions is taken in units of the objective, each part by the stiffness that
        it meets: w^γ near zero is so stiff that its own error would hide all others'.
        """
        ratio, mean = point.multipliers / point.slack, point.mean

        def residual(at: Point, which: np.ndarray) -> np.ndarray:
            products = at.slack * at.multipliers - centred[which, None]
            of_slopes = (at.gradient**2 / stiffness[which]).sum(axis=1) + (at.over**2 * ratio[which]).sum(axis=1)
            return np.asarray(of_slopes + (products**2).sum(axis=1) / mean[which])

        reach = np.minimum(_longest(point.slack, step.slack), _longest(point.multipliers, step.multipliers))
        total = point.slack.shape[1] * mean
        length = np.minimum(1.0, np.maximum(TO_BOUNDARY, 1 - total - point.apart) * reach)
        every = np.arange(len(length))
        before, result, found = residual(point, every), point.of(every), np.zeros(len(length), dtype=bool)
        while len(pending := np.flatnonzero(wanted & ~found & (length > shortest))):
            trial, good = self._moved(point.of(pending), length[pending], step.of(pending), pending)
            if trial is not None:
                near = pending[good]
                better = residual(trial, near) <= (1 - 1e-3 * length[near]) * before[near]
                result.put(near[better], trial.of(better))
                found[near[better]] = True
            length[~found] *= 0.5
        return result, found


def _longest(values: np.ndarray, change: np.ndarray) -> np.ndarray:
    """(b,) the longest step that keeps `values` (b, …) from falling below zero."""
    falling = change < 0
    return np.where(falling, -values / np.where(falling, change, 1.0), np.inf).min(axis=1, initial=np.inf)
