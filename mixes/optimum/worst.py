"""The worst mix within limits: laws that cannot tell it from the best one say nothing about a target.

A convex function is largest at a corner. From the corners with the most of each domain, the best few go on to the
corner that the slope there points to, for as long as that is worse (Frank and Wolfe 1956, with full steps; each step
of a convex function can only gain). It is a search: a worse corner may exist.
"""

import numpy as np

from mixes.optimum.limits import Limits
from mixes.optimum.objective import Function
from mixes.optimum.polytope import Room, corner

STARTS = 4  # corners that go on
STEPS = 20  # at most; two or three are usual
HALVINGS = 40


def worst_mix(objective: Function, limits: Limits) -> np.ndarray:
    """(n_domains,) a mix within the limits that is about as bad as they allow."""
    room = limits.room
    corners = np.array([corner(room, -direction) for direction in np.eye(len(room.low))])
    order = np.argsort(-objective.value(corners), kind="stable")[:STARTS]
    ends = np.array([_climbed(objective, room, mix) for mix in corners[order]])
    inside = np.array([_within(limits, mix) for mix in ends])
    return inside[objective.value(inside).argmax()]


def _climbed(objective: Function, room: Room, mix: np.ndarray) -> np.ndarray:
    value = float(objective.value(mix[None])[0])
    for _ in range(STEPS):
        following = corner(room, -objective.gradient(mix))
        worse = float(objective.value(following[None])[0])
        if worse <= value:
            return mix
        mix, value = following, worse
    return mix


def _within(limits: Limits, mix: np.ndarray) -> np.ndarray:
    """The mix, moved to the limits' centre as far as limits on scores and distances require."""
    if limits.met(mix[None])[0]:
        return mix
    kept, lost = 0.0, 1.0
    for _ in range(HALVINGS):
        share = (kept + lost) / 2
        if limits.met((limits.centre + share * (mix - limits.centre))[None])[0]:
            kept = share
        else:
            lost = share
    return limits.centre + kept * (mix - limits.centre)
