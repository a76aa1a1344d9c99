"""Programs over a room: functions of the mix, each scaled, plus linear terms in further variables.

    F_i(w, u) = factor_i (objective_i(w) − offset_i) + linear_i · u  (+ lean/2 ‖w − anchor‖² in F_0)

The variables are the weights that can move, followed by u: none for an optimum, the depth for a feasible mix
(mixes/optimum/feasible.py), the tail's variables for a robust one (mixes/optimum/robust.py). Programs that differ in
F_0 alone are solved side by side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mixes.optimum.iterates import Point, Program, Values
from mixes.optimum.objective import Function, Objective
from mixes.optimum.polytope import Room

LEAN = 1e-7  # share of the objective's range; it decides between mixes that are equally good and moves no others


@dataclass(frozen=True)
class Scaled:
    """factor · (objective − offset); offsets and factors (B,) where B objectives stand side by side."""

    objective: Objective
    offset: float | np.ndarray
    factor: float | np.ndarray

    def value(self, mix: np.ndarray) -> float:
        """At one mix (n_domains,)."""
        return float(self.factor * (self.objective.value(mix[None])[0] - self.offset))

    def of(self, which: np.ndarray) -> "Scaled":
        """Those of the functions side by side that have these numbers; one that stands alone is all programs'."""
        if not isinstance(self.factor, np.ndarray) or not isinstance(self.offset, np.ndarray):
            return self
        return Scaled(self.objective.of(which), self.offset[which], self.factor[which])


@dataclass(frozen=True)
class Lifted:
    """A program over a room, and the way back to mixes and bounds."""

    room: Room
    inside: np.ndarray  # (n_domains,) a mix strictly inside the room
    terms: Sequence[Scaled]  # F_0 … F_m
    linear: np.ndarray  # (1 + m, n_further)
    further_low: np.ndarray  # (n_further,)
    further_high: np.ndarray  # (n_further,)
    anchor: np.ndarray  # (n_domains,)

    def embed(self, x: np.ndarray) -> np.ndarray:
        """Variables (…, n) → mix (…, n_domains)."""
        mix = np.broadcast_to(self.inside, (*x.shape[:-1], len(self.inside))).copy()
        mix[..., self.room.free] = x[..., : len(self.room.free)]
        return mix

    def functions(self, which: np.ndarray) -> Callable[[np.ndarray], Values]:
        """See Program."""
        terms, free, square = [self.terms[0].of(which), *self.terms[1:]], self.room.free, self._square

        def functions(x: np.ndarray) -> Values:
            mix = self.embed(x)
            at = [(np.asarray(term.factor), term.offset, term.objective.at(mix)) for term in terms]
            values = np.stack([factor * (one.value - offset) for factor, offset, one in at], axis=1)
            slopes = np.stack([factor[..., None] * one.slope for factor, _, one in at], axis=1)[..., free]
            bends = np.stack([factor[..., None, None] * one.bend() for factor, _, one in at], axis=1)[square]
            away = mix - self.anchor
            values[:, 0] += LEAN / 2 * (away**2).sum(axis=1)
            slopes[:, 0] += LEAN * away[:, free]
            np.einsum("bii->bi", bends[:, 0])[...] += LEAN
            if len(self.further_low):
                values += x[:, len(free) :] @ self.linear.T
                slopes = np.concatenate([slopes, np.broadcast_to(self.linear, (len(x), *self.linear.shape))], axis=2)
            return Values(values, slopes, bends)

        return functions

    @cached_property
    def _square(self) -> tuple[Any, ...]:
        """Rows and columns of the weights that can move, in second derivatives."""
        return (..., *np.ix_(self.room.free, self.room.free))

    @cached_property
    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """Groups that bound from below, groups that bound from above: numbers, in the order of the program's rows."""
        room = self.room
        moving = (room.groups[:, room.free].sum(axis=1) > 0) & (room.group_high > room.group_low)
        return np.flatnonzero(moving & (room.group_low > 0)), np.flatnonzero(moving & (room.group_high < 1))

    @cached_property
    def equations(self) -> np.ndarray:
        """Groups that are equations and do not follow from the others and Σ w = 1."""
        room, kept = self.room, np.ones((1, len(self.room.free)))
        chosen = []
        for group in np.flatnonzero(room.group_high <= room.group_low):
            tried = np.concatenate([kept, room.groups[group, room.free][None]])
            if np.linalg.matrix_rank(tried) > len(kept):
                kept = tried
                chosen.append(group)
        return np.array(chosen, dtype=int)

    @cached_property
    def program(self) -> Program:
        """The program that the solver takes."""
        room, free = self.room, self.room.free
        further = len(self.further_low)
        below, above = self.sides
        fixed = room.groups @ np.where(room.high > room.low, 0, self.inside)
        rows = np.concatenate([-room.groups[below], room.groups[above]])[:, free]
        right = np.concatenate([(fixed - room.group_low)[below], (room.group_high - fixed)[above]])
        equal = np.concatenate([np.ones((1, len(free))), room.groups[self.equations][:, free]])
        total = equal @ self.inside[free]
        return Program(
            self.functions,
            np.append(room.low[free], self.further_low),
            np.append(room.high[free], self.further_high),
            np.pad(rows, ((0, 0), (0, further))),
            right,
            np.pad(equal, ((0, 0), (0, further))),
            total,
        )

    def of_groups(self, point: Point, rows: slice) -> np.ndarray:
        """(n_groups,) multipliers, positive where more room above would help, negative for below."""
        below, above = self.sides
        forces = point.multipliers[rows]
        total = np.zeros(len(self.room.groups))
        np.subtract.at(total, below, forces[: len(below)])
        np.add.at(total, above, forces[len(below) :])
        total[self.equations] += point.of_equal[1:]
        return total

    def bound(self, point: Point, rows: slice, convex: slice) -> tuple[float, np.ndarray]:
        """A lower bound of F_0's least value, and the Lagrangian's slope (n_domains,) that it rests on.

        By convexity the Lagrangian of convex and group constraints lies above its tangent at any mix, and the
        tangent's least value within the variables' own bounds can be read off. It holds for any multipliers ≥ 0;
        the solver's make it tight.
        """
        room, mix = self.room, self.embed(point.x)
        multipliers = np.append(1.0, point.multipliers[convex])
        groups = self.of_groups(point, rows)
        edge = np.where(groups > 0, room.group_high, room.group_low)
        terms = [(m, term, term.objective.at(mix)) for m, term in zip(multipliers, self.terms, strict=True)]
        value = sum(m * (term.factor * (at.value - term.offset)) for m, term, at in terms)
        value += groups @ (room.groups @ mix - edge)
        price = multipliers @ self.linear  # of the further variables
        value += price @ np.where(price > 0, self.further_low, self.further_high)
        slope = sum((m * term.factor * at.slope for m, term, at in terms), np.zeros(len(mix))) + room.groups.T @ groups
        return float(value + slope @ (room.least(slope) - mix)), slope


def first_order_range(room: Room, objective: Function, mix: np.ndarray) -> float:
    """How far an objective could fall inside the room from a mix, by its slope there: its scale, in its unit."""
    slope = objective.gradient(mix)
    span = float(slope @ (mix - room.least(slope)))
    return span if span > 1e-12 * np.abs(slope).max(initial=0) else float(np.abs(slope).max(initial=0) or 1.0)
