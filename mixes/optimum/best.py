"""The best mix, exact where everything is convex and searched elsewhere; and the closest mix with most of the gain."""

from dataclasses import replace

import numpy as np

from mixes.optimum.bounds import AtMost
from mixes.optimum.exact import OPTIMAL, Optimum, exact_mix
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, divergence
from mixes.optimum.search import search_mix


def best_mix(
    objective: Objective,
    limits: Limits,
    start: np.ndarray | None = None,
    candidates: np.ndarray | None = None,
    seed: int = 0,
    within: float = OPTIMAL,
) -> Optimum:
    """The mix that minimises an objective within limits.

    `start`, `candidates` and `seed` are for a search (see search_mix); an exact optimum does not need them.
    `within`: see exact_mix.

    Raises:
        MixError: an exact optimum's gap could not be closed; a search found no mix within the limits.
    """
    if objective.convex and limits.convex:
        return exact_mix(objective, limits, within)
    return search_mix(objective, limits, candidates, start, seed)


def closest_mix(
    objective: Objective, limits: Limits, share: float, candidates: np.ndarray | None = None, seed: int = 0
) -> Optimum:
    """The mix closest to the objective's anchor that gains at least `share` of what can be gained.

    Closest by KL(mix ‖ anchor), as everywhere here. The gain is counted from the closest mix that the limits allow,
    which is the anchor itself where they allow it. The result has the value of the objective, and the gap of the
    divergence in nats.

    Raises:
        MixError: as best_mix.
    """
    best = best_mix(objective, limits, candidates=candidates, seed=seed)
    apart = divergence(objective.anchor)
    nearest = best_mix(apart, limits, candidates=candidates, seed=seed)
    unchanged = float(objective.value(nearest.mix[None])[0])
    if share >= 1 or unchanged - best.value <= (best.gap or 0.0):
        chosen = best if share >= 1 else nearest
        return replace(chosen, value=float(objective.value(chosen.mix[None])[0]))
    ceiling = best.value + (1 - share) * (unchanged - best.value)
    enough = limits.and_also(AtMost(f"at least {share:.0%} of the gain", objective, ceiling))
    closest = best_mix(apart, enough, start=best.mix, seed=seed)
    return replace(closest, value=float(objective.value(closest.mix[None])[0]))
