"""An interior point method for smooth convex programs of some hundred variables.

    minimise    F_0(x)
    subject to  F_i(x) ≤ 0,  low ≤ x ≤ high,  rows x ≤ right,  equal x = total

Newton steps on the primal-dual optimality conditions with Mehrotra's predictor and corrector (Mehrotra 1992; Nocedal
and Wright, Numerical Optimization, chapters 14 and 19), kept near the central path by a line search on the conditions'
residual. Iterates obey all linear constraints. Convex ones have slacks of their own, which meet them only at the end:
along a curved boundary, iterates that had to obey would creep. The caller checks whether the end is an optimum, by a
bound of its own (mixes/optimum/exact.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs

ITERATIONS = 100
TOLERANCE = 1e-11  # the sum of slack × multiplier at the end
SETTLED = 1e-8  # at the end, the most that a Newton step moves a variable, and that slopes differ
TO_BOUNDARY = 0.995  # of the way to the nearest boundary, at most
WORTHWHILE = 0.1  # least length of a corrected step; below it a plain step is taken
SHORTEST = 1e-8  # steps below end the method
NEIGHBOURHOOD = 1e-4  # least slack × multiplier, as a share of their mean


@dataclass(frozen=True)
class Program:
    """Axes: n variables, m convex constraints, r rows, k equations. Functions should be scaled to slopes of order 1."""

    functions: Callable[[np.ndarray], "Values"]  # of x (n,)
    low: np.ndarray  # (n,), −inf where there is none
    high: np.ndarray  # (n,), inf where there is none
    rows: np.ndarray  # (r, n)
    right: np.ndarray  # (r,)
    equal: np.ndarray  # (k, n), independent
    total: np.ndarray  # (k,)


@dataclass(frozen=True)
class Values:
    """The functions at one x."""

    values: np.ndarray  # F_0 … F_m (1 + m,)
    slopes: np.ndarray  # (1 + m, n)
    bend: Callable[[np.ndarray], np.ndarray]  # multipliers (1 + m,) → weighted sum of second derivatives (n, n)


@dataclass(frozen=True)
class Point:
    """An iterate: variables, multipliers, and the functions there."""

    x: np.ndarray  # (n,)
    slack: np.ndarray  # all inequalities: finite lows, finite highs, rows, F_1 … F_m
    over: np.ndarray  # of the same: how far the constraint and its slack are from meeting; 0 for linear ones
    multipliers: np.ndarray  # of the same
    of_equal: np.ndarray  # (k,)
    at: Values
    gradient: np.ndarray  # (n,) the Lagrangian's, zero at an optimum

    @property
    def values(self) -> np.ndarray:
        """F_0 … F_m (1 + m,)."""
        return self.at.values

    @property
    def slopes(self) -> np.ndarray:
        """(1 + m, n)."""
        return self.at.slopes


class Solver:
    """One program's inequalities in one order: finite lows, finite highs, rows, convex constraints."""

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
        self._has_rows, self._turned = bool(len(program.rows)), program.equal.T

    def solve(self, start: np.ndarray, enough: Callable[[Point], bool] | None = None) -> Point:
        """The iterate at which Newton steps move nothing, or get no further.

        start: (n,) strictly inside all linear constraints; enough: whether to end early.
        """
        point = self._start(start)
        for _ in range(ITERATIONS):
            if enough and enough(point):
                break
            following = self._step(point)
            if following is None:
                break
            point = following
        return point

    def _start(self, x: np.ndarray) -> Point:
        at = self.program.functions(x)
        slack = np.append(self._linear_slack(x), np.maximum(-at.values[1:], 1e-2))
        return self._point(x, slack, 1 / len(slack) / slack, np.zeros(len(self.program.equal)), at)

    def _point(
        self, x: np.ndarray, slack: np.ndarray, multipliers: np.ndarray, of_equal: np.ndarray, at: Values
    ) -> Point:
        over = np.zeros(len(slack))
        if len(at.values) > 1:
            over[self.of_convex] = at.values[1:] + slack[self.of_convex]
        gradient = at.slopes[0] + self._pulled(at, multipliers) + self._turned @ of_equal
        return Point(x, slack, over, multipliers, of_equal, at, gradient)

    def _moved(self, point: Point, length: float, step: "Step") -> Point | None:
        """The point `length` of a step on; None where it leaves the neighbourhood of the central path."""
        x = point.x + length * step.x
        linear, multipliers = self._linear_slack(x), point.multipliers + length * step.multipliers
        if linear.min(initial=np.inf) <= 0:
            return None
        at, slack = self.program.functions(x), linear
        if len(at.values) > 1:
            own = np.maximum((point.slack + length * step.slack)[self.of_convex], -at.values[1:])
            slack = np.concatenate([linear, own])
        products = slack * multipliers
        if not (products.min() > NEIGHBOURHOOD * products.mean()):  # False for nan, too
            return None
        return self._point(x, slack, multipliers, point.of_equal + length * step.of_equal, at)

    def _linear_slack(self, x: np.ndarray) -> np.ndarray:
        own = [x[self.lows] - self._low, self._high - x[self.highs]]
        return np.concatenate([*own, self.program.right - self.program.rows @ x] if self._has_rows else own)

    def _pulled(self, at: Values, forces: np.ndarray) -> np.ndarray:
        """(n,) Σ forces × the gradients of the inequalities, each as a function that must stay ≤ 0."""
        if self._has_rows or len(at.slopes) > 1:
            total = self.program.rows.T @ forces[self.of_rows] + at.slopes[1:].T @ forces[self.of_convex]
        else:
            total = np.zeros(at.slopes.shape[1])
        total[self.lows] -= forces[self.of_low]
        total[self.highs] += forces[self.of_high]
        return total

    def _pushed(self, point: Point, step: np.ndarray) -> np.ndarray:
        """First-order change of the slacks by a step (n,)."""
        own = [step[self.lows], -step[self.highs]]
        if self._has_rows or len(point.slopes) > 1:
            own += [-self.program.rows @ step, -point.slopes[1:] @ step]
        return np.concatenate(own)

    def _apart(self, point: Point) -> float:
        """How far the slopes are from agreeing, and the convex constraints from their slacks."""
        return max(np.abs(point.gradient).max(), np.abs(point.over).max())

    def _step(self, point: Point) -> Point | None:
        """The next iterate; None where a step moves nothing, or none gets any further."""
        solve, stiffness = self._factored(point)
        mean = point.slack @ point.multipliers / len(point.slack)
        ahead = solve(np.zeros_like(point.slack))
        if mean * len(point.slack) < TOLERANCE and max(np.abs(ahead.x).max(), self._apart(point)) < SETTLED:
            return None
        length = min(1.0, _longest(point.slack, ahead.slack), _longest(point.multipliers, ahead.multipliers))
        after = (point.slack + length * ahead.slack) @ (point.multipliers + length * ahead.multipliers)
        least = (
            1e-3 * self._apart(point) / len(point.slack)
        )  # else the slacks vanish before the slopes agree, and no step is possible
        centred = np.clip((after / len(point.slack) / mean) ** 3 * mean, min(mean, least), mean)
        corrected = solve(centred - ahead.slack * ahead.multipliers)
        following = self._searched(point, corrected, centred, stiffness, WORTHWHILE)
        if following is not None:
            return following
        centred = max(centred, 0.3 * mean)  # a plain Newton step shrinks the residual, if it is short enough
        return self._searched(point, solve(np.full_like(point.slack, centred)), centred, stiffness, SHORTEST)

    def _factored(self, point: Point) -> tuple[Callable[[np.ndarray], "Step"], np.ndarray]:
        """The Newton system, factored once: a function that solves it for wanted products slack × multiplier; its
        stiffness.

        The variables' own bounds are eliminated, rows, convex constraints and equations are not: their products
        would drown small curvatures.
        """
        p, n, ratio = self.program, len(point.x), point.multipliers / point.slack
        dense, of_dense = np.concatenate([p.rows, point.slopes[1:]]), slice(self.of_rows.start, None)
        below = np.concatenate([dense, p.equal])
        matrix = np.zeros((n + len(below), n + len(below)))
        matrix[:n, :n] = point.at.bend(np.concatenate([[1.0], point.multipliers[self.of_convex]]))
        matrix[n:, :n], matrix[:n, n:] = below, below.T
        diagonal = np.einsum("ii->i", matrix)
        of_x = diagonal[:n]
        of_x[self.lows] += ratio[self.of_low]
        of_x[self.highs] += ratio[self.of_high]
        diagonal[n : n + len(dense)] = -1 / ratio[of_dense]
        unit = np.ones(len(matrix))
        unit[:n] = 1 / np.sqrt(np.where(of_x > 0, of_x, 1.0))
        factor, pivots, _ = dgetrf(matrix * unit * unit[:, None])  # as scipy's lu_factor, without its overhead
        own = slice(0, self.of_rows.start)
        missing, of_equations = p.total - p.equal @ point.x, self._turned @ point.of_equal

        def solve(products: np.ndarray) -> Step:
            forces = point.multipliers.copy()
            forces[own] = (products / point.slack)[own]
            wanted = point.slopes[0] + self._pulled(point.at, forces) + of_equations
            over = (point.slack - products / point.multipliers - point.over)[of_dense]
            solution = unit * dgetrs(factor, pivots, unit * np.concatenate([-wanted, over, missing]))[0]
            x, of_dense_multipliers, of_equal = solution[:n], solution[n : n + len(dense)], solution[n + len(dense) :]
            slack = self._pushed(point, x) - point.over
            multipliers = products / point.slack - point.multipliers - ratio * slack
            multipliers[of_dense] = of_dense_multipliers
            return Step(x, slack, multipliers, of_equal)

        return solve, of_x + ratio[of_dense] @ dense**2

    def _searched(
        self, point: Point, step: "Step", centred: float, stiffness: np.ndarray, shortest: float
    ) -> Point | None:
        """As much of a step as leaves a smaller residual, within the neighbourhood.

        The residual of the optimality conditions is taken in units of the objective, each part by the stiffness that
        it meets: w^γ near zero is so stiff that its own error would hide all others'.
        """
        ratio, mean = point.multipliers / point.slack, point.slack @ point.multipliers / len(point.slack)

        def residual(at: Point) -> float:
            products = at.slack * at.multipliers - centred
            return float((at.gradient**2 / stiffness).sum() + (at.over**2 * ratio).sum() + (products**2).sum() / mean)

        reach = min(_longest(point.slack, step.slack), _longest(point.multipliers, step.multipliers))
        length = min(1.0, max(TO_BOUNDARY, 1 - point.slack @ point.multipliers - self._apart(point)) * reach)
        before = residual(point)
        while length > shortest:
            trial = self._moved(point, length, step)
            if trial is not None and residual(trial) <= (1 - 1e-3 * length) * before:
                return trial
            length *= 0.5
        return None


@dataclass(frozen=True)
class Step:
    """A Newton step, by what of a point it changes."""

    x: np.ndarray
    slack: np.ndarray
    multipliers: np.ndarray
    of_equal: np.ndarray


def _longest(values: np.ndarray, change: np.ndarray) -> float:
    """The longest step that keeps `held` from falling below zero."""
    falling = change < 0
    return float((-values[falling] / change[falling]).min(initial=np.inf))
