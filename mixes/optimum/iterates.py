"""Convex programs side by side, and where a solver stands in each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Program:
    """B programs side by side. Axes: n variables, m convex constraints, r rows, k equations, f variables that the
    functions are curved in, which come first. Functions should be scaled to slopes of order 1."""

    functions: Callable[[np.ndarray], Callable[[np.ndarray], "Values"]]  # numbers (b,) of programs → of their x (b, n)
    low: np.ndarray  # (n,), −inf where there is none
    high: np.ndarray  # (n,), inf where there is none
    rows: np.ndarray  # (r, n)
    right: np.ndarray  # (r,)
    equal: np.ndarray  # (k, n), independent
    total: np.ndarray  # (k,)


class SideBySide:
    """A record of arrays whose first axis are programs side by side."""

    def of(self, which: np.ndarray | int) -> Self:
        """Of the programs with these numbers; of one, without the axis."""
        return type(self)(
            *(part.of(which) if isinstance(part, SideBySide) else part[which] for part in vars(self).values())
        )

    def put(self, which: np.ndarray, others: Self) -> None:
        """Replace what belongs to these programs."""
        for mine, others_part in zip(vars(self).values(), vars(others).values(), strict=True):
            if isinstance(mine, SideBySide):
                mine.put(which, others_part)
            else:
                mine[which] = others_part


@dataclass(frozen=True)
class Values(SideBySide):
    """The functions at one x of each program."""

    values: np.ndarray  # F_0 … F_m (b, 1 + m)
    slopes: np.ndarray  # (b, 1 + m, n)
    bends: np.ndarray  # second derivatives (b, 1 + m, f, f)


@dataclass(frozen=True)
class Point(SideBySide):
    """An iterate of each program: variables, multipliers, and the functions there."""

    x: np.ndarray  # (b, n)
    slack: np.ndarray  # (b, …) all inequalities: finite lows, finite highs, rows, F_1 … F_m
    over: np.ndarray  # of the same: how far the constraint and its slack are from meeting; 0 for linear ones
    multipliers: np.ndarray  # of the same
    of_equal: np.ndarray  # (b, k)
    at: Values
    gradient: np.ndarray  # (b, n) the Lagrangian's, zero at an optimum

    @property
    def values(self) -> np.ndarray:
        """F_0 … F_m (b, 1 + m)."""
        return self.at.values

    @property
    def slopes(self) -> np.ndarray:
        """(b, 1 + m, n)."""
        return self.at.slopes

    @property
    def mean(self) -> np.ndarray:
        """(b,) of slack × multiplier."""
        return (self.slack * self.multipliers).mean(axis=1)

    @property
    def apart(self) -> np.ndarray:
        """(b,) how far the slopes are from agreeing, and the convex constraints from their slacks."""
        return np.maximum(np.abs(self.gradient).max(axis=1), np.abs(self.over).max(axis=1))


@dataclass(frozen=True)
class Step(SideBySide):
    """A Newton step, by what of a point it changes."""

    x: np.ndarray
    slack: np.ndarray
    multipliers: np.ndarray
    of_equal: np.ndarray
