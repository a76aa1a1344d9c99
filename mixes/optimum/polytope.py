"""The room that linear limits leave: which weights can move, a mix strictly inside, and minima of linear functions.

Limits may leave no room in some directions without contradicting each other: caps that sum to exactly one, a floor on a
group whose rest has the complementary floor. An interior point method needs these inequalities as equations, so they
are found here and turned into equations.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

NO_ROOM = 1e-8  # shorter distances, as shares of a bound's width, count as none
PRECISE = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}  # HiGHS' finest


@dataclass(frozen=True)
class Room:
    """Mixes with low ≤ w ≤ high, group_low ≤ groups w ≤ group_high and Σ w = 1.

    A domain or group whose low equals its high is an equation.
    """

    low: np.ndarray  # (n_domains,)
    high: np.ndarray  # (n_domains,)
    groups: np.ndarray  # (n_groups, n_domains) of 0 and 1, each over two and more domains
    group_low: np.ndarray  # (n_groups,)
    group_high: np.ndarray  # (n_groups,)

    @cached_property
    def free(self) -> np.ndarray:
        """(n_free,) domains that can move."""
        return np.flatnonzero(self.high > self.low)

    def least(self, slope: np.ndarray) -> np.ndarray:
        """The mix (n_domains,) within low and high that minimises slope · w; groups are ignored."""
        order = np.argsort(slope, kind="stable")
        width = (self.high - self.low)[order]
        before = np.cumsum(width) - width
        mix = self.low.copy()
        mix[order] += np.clip(1 - self.low.sum() - before, 0, width)
        return mix

    def holds(self, mixes: np.ndarray, within: float) -> np.ndarray:
        """(n,) whether mixes (n, n_domains) obey everything to within `within`."""
        sums = mixes @ self.groups.T
        return (
            (mixes >= self.low - within).all(axis=1)
            & (mixes <= self.high + within).all(axis=1)
            & (sums >= self.group_low - within).all(axis=1)
            & (sums <= self.group_high + within).all(axis=1)
            & (np.abs(mixes.sum(axis=1) - 1) <= within)
        )


def furnish(room: Room) -> tuple[Room, np.ndarray] | None:
    """The room with its hidden equations made explicit, and a mix (n_domains,) strictly inside all that is left.

    None where no mix obeys the room.
    """
    if (room.low > room.high).any() or (room.group_low > room.group_high).any():
        return None
    if not len(room.groups):
        return _box(room)
    for _ in range(3):  # the second program finds all hidden equations at once; rounding may leave another
        deepest = _deepest(room)
        if deepest is None:
            return None
        depth, mix = deepest
        if depth > NO_ROOM:
            return room, mix
        room = _plain(room)
    return None


def extremes(room: Room, direction: np.ndarray) -> tuple[float, float]:
    """Least and most of direction · w (n_domains,) in a room that some mix obeys."""
    from scipy.optimize import linprog  # slow to import

    matrix, right, _, equal, total = _system(room)
    ends = [
        linprog(sign * direction, A_ub=matrix, b_ub=right, A_eq=equal, b_eq=total, bounds=(None, None)).fun
        for sign in (1, -1)
    ]
    return float(ends[0]), float(-ends[1])


def corner(room: Room, slope: np.ndarray) -> np.ndarray:
    """A mix (n_domains,) at which slope · w is least in a room that some mix obeys."""
    if not len(room.groups):
        return room.least(slope)
    from scipy.optimize import linprog  # slow to import

    matrix, right, _, equal, total = _system(room)
    solution = linprog(
        slope, A_ub=matrix, b_ub=right, A_eq=equal, b_eq=total, bounds=(None, None), options=PRECISE
    )  # fmt: skip
    return np.asarray(solution.x)


def _box(room: Room) -> tuple[Room, np.ndarray] | None:
    """Without groups: all weights at one share of their widths."""
    width = room.high - room.low
    missing = 1 - room.low.sum()
    if missing < -NO_ROOM or missing > width.sum() + NO_ROOM:
        return None
    share = missing / width.sum() if width.sum() else 0.0
    if share > NO_ROOM and share < 1 - NO_ROOM:
        return room, room.low + share * width
    at = room.low if share < 0.5 else room.high
    at = at / at.sum()
    return replace(room, low=at, high=at), at


def _system(room: Room) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Inequalities A w ≤ b with their widths, and equations E w = e."""
    n = len(room.low)
    moving, rigid = room.high > room.low, room.group_high > room.group_low
    eye = np.eye(n)[moving]
    open_low, open_high = rigid & (room.group_low > 0), rigid & (room.group_high < 1)
    width, group_width = (room.high - room.low)[moving], np.minimum(room.group_high, 1) - room.group_low
    matrix = np.concatenate([-eye, eye, -room.groups[open_low], room.groups[open_high]])
    right = np.concatenate(
        [-room.low[moving], room.high[moving], -room.group_low[open_low], room.group_high[open_high]]
    )
    widths = np.concatenate([width, width, group_width[open_low], group_width[open_high]])
    equal = np.concatenate([np.ones((1, n)), np.eye(n)[~moving], room.groups[~rigid]])
    total = np.concatenate([[1.0], room.low[~moving], room.group_low[~rigid]])
    return matrix, right, widths, equal, total


def _deepest(room: Room) -> tuple[float, np.ndarray] | None:
    """The mix that is furthest from every bound, in shares of the bounds' widths, and how far that is."""
    from scipy.optimize import linprog  # slow to import

    matrix, right, widths, equal, total = _system(room)
    n = len(room.low)
    solution = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([matrix, widths]), b_ub=right,
        A_eq=np.column_stack([equal, np.zeros(len(equal))]), b_eq=total,
        bounds=[(None, None)] * n + [(0, 0.5)], options=PRECISE,
    )  # fmt: skip
    if solution.status != 0:
        return None
    return float(solution.x[-1]), solution.x[:-1]


def _plain(room: Room) -> Room:
    """Inequalities that no mix can meet strictly become equations.

    The largest set that can be strict at once (Freund, Roundy and Todd 1985): maximise Σ y, 0 ≤ y ≤ 1, over
    A x + y ≤ b τ, E x = e τ, τ ≥ 1; y is 1 where a mix x / τ is strict, else 0.
    """
    from scipy.optimize import linprog  # slow to import

    matrix, right, widths, equal, total = _system(room)
    n, m = len(room.low), len(matrix)
    solution = linprog(
        np.concatenate([np.zeros(n + 1), -np.ones(m)]),
        A_ub=np.column_stack([matrix, -right, np.diag(widths)]), b_ub=np.zeros(m),
        A_eq=np.column_stack([equal, -total, np.zeros((len(equal), m))]), b_eq=np.zeros(len(equal)),
        bounds=[(None, None)] * n + [(1, None)] + [(0, 1)] * m, options=PRECISE,
    )  # fmt: skip
    tight = solution.x[n + 1 :] < 0.5
    low, high = room.low.copy(), room.high.copy()
    group_low, group_high = room.group_low.copy(), room.group_high.copy()
    moving, rigid = np.flatnonzero(high > low), group_high > group_low
    with_low, with_high = np.flatnonzero(rigid & (group_low > 0)), np.flatnonzero(rigid & (group_high < 1))
    ends = np.cumsum([len(moving), len(moving), len(with_low)])
    at_low, at_high, groups_low, groups_high = np.split(tight, ends)
    high[moving[at_low]] = low[moving[at_low]]
    low[moving[at_high]] = high[moving[at_high]]
    group_high[with_low[groups_low]] = group_low[with_low[groups_low]]
    group_low[with_high[groups_high]] = group_high[with_high[groups_high]]
    return replace(room, low=low, high=high, group_low=group_low, group_high=group_high)
