"""The best mix that a search finds, for laws that are not convex. Nothing proves that there is none better.

Starts are mixes that were tried, draws around them, single domains and the limits' centre, all brought within the
limits. The best few are improved by moves along the slope and from one domain to another, in shrinking steps: the
first for smooth laws, the second for trees, whose slopes are steps. Of mixes that are equally good, the first is
kept. Draws come from the seed.
"""

import numpy as np

from mixes.errors import MixError
from mixes.optimum.exact import Optimum
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Function
from mixes.optimum.program import first_order_range

DRAWS = 2_000  # mixes that are drawn before any is improved
CONCENTRATION = 30.0  # of the Dirichlets around tried mixes: a weight of 0.2 gets a deviation of 0.07
IMPROVED = 4  # starts that are improved
STEPS = (0.1, 0.03, 0.01, 0.003, 0.001)  # weight moved at once
MOVES = 150  # transfers tried per round; all pairs where there are fewer
ROUNDS = 40  # per step size
LEAST_GAIN = 1e-7  # share of the objective's range


def search_mix(
    objective: Function,
    limits: Limits,
    candidates: np.ndarray | None = None,
    start: np.ndarray | None = None,
    seed: int = 0,
) -> Optimum:
    """The best mix found.

    candidates (n, n_domains): mixes to start around, as the swarm's; start (n_domains,): the optimum of nearly the same
    problem; only it is then improved.

    Raises:
        MixError: no start meets limits on laws that are not convex.
    """
    rng = np.random.default_rng(seed)
    starts = start[None] if start is not None else _starts(objective.anchor, candidates, rng)
    inside = _brought(limits, starts)
    if not len(inside):
        named = [ceiling.name for ceiling in limits.ceilings if not ceiling.objective.convex]
        raise MixError(f"optimum: none of {len(starts):,} mixes meets {'; '.join(named)} — loosen it")
    order = np.argsort(objective.value(inside), kind="stable")[: 1 if start is not None else IMPROVED]
    span = _range(objective, limits, inside)
    ends = [_improved(objective, limits, mix, LEAST_GAIN * span, rng) for mix in inside[order]]
    value, mix = min(ends, key=lambda end: end[0])
    return Optimum(mix, value, None, span, {})


def _range(objective: Function, limits: Limits, mixes: np.ndarray) -> float:
    """The objective's range over mixes; where it is flat over them, the range that its slope promises."""
    return float(np.ptp(objective.value(mixes))) or first_order_range(limits.room, objective, limits.centre)


def _starts(anchor: np.ndarray, candidates: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """(n, n_domains): the anchor, what was tried, draws around all of these, single domains, and draws from
    anywhere."""
    tried = np.concatenate([anchor[None], np.empty((0, len(anchor))) if candidates is None else candidates])
    around = tried[rng.integers(len(tried), size=DRAWS // 2)]
    drawn = rng.standard_gamma(CONCENTRATION * around + 1e-3)
    anything = rng.dirichlet(np.full(len(anchor), 0.5), size=DRAWS // 2)
    return np.concatenate([tried, drawn / drawn.sum(axis=1, keepdims=True), np.eye(len(anchor)), anything])


def _brought(limits: Limits, mixes: np.ndarray) -> np.ndarray:
    """Mixes (n, n_domains) moved to the nearest within the domains' bounds, then towards the centre as far as the other
    limits require. Mixes that still do not meet them are left out."""
    room, centre = limits.room, limits.centre
    low, high = mixes.min() - 1.0, mixes.max() + 1.0
    lows, highs = np.full((len(mixes), 1), low), np.full((len(mixes), 1), high)
    for _ in range(60):  # the shift at which weights, kept within their bounds, sum to one
        shift = (lows + highs) / 2
        heavy = np.clip(mixes - shift, room.low, room.high).sum(axis=1, keepdims=True) > 1
        lows, highs = np.where(heavy, shift, lows), np.where(heavy, highs, shift)
    inside = np.clip(mixes - highs, room.low, room.high)
    inside += (1 - inside.sum(axis=1, keepdims=True)) * (centre - inside)  # nothing but rounding
    kept, lost = np.zeros((len(mixes), 1)), np.ones((len(mixes), 1))
    outside = ~limits.met(inside)[:, None]
    for _ in range(30):
        share = np.where(outside, (kept + lost) / 2, 1.0)
        good = limits.met(centre + share * (inside - centre))[:, None]
        kept, lost = np.where(good, share, kept), np.where(good, lost, share)
    ends = np.concatenate([centre[None], centre + kept * (inside - centre)])
    return ends[limits.met(ends)]


def _improved(
    objective: Function, limits: Limits, mix: np.ndarray, least: float, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Value and mix (n_domains,) after moves that gain."""
    best = float(objective.value(mix[None])[0])
    for step in STEPS:
        for _ in range(ROUNDS):
            tried = _brought(limits, np.concatenate([_along(objective, mix, step), _transfers(limits, mix, step, rng)]))
            values = objective.value(tried)
            if values.min() >= best - least:
                break
            best, mix = float(values.min()), tried[values.argmin()]
    return best, mix


def _along(objective: Function, mix: np.ndarray, step: float) -> np.ndarray:
    """(4, n_domains) down the slope."""
    slope = objective.gradient(mix)
    slope = slope - slope.mean()
    return mix - slope / (np.abs(slope).max() or 1.0) * step * np.array([2.0, 1.0, 0.5, 0.25])[:, None]


def _transfers(limits: Limits, mix: np.ndarray, step: float, rng: np.random.Generator) -> np.ndarray:
    """(n, n_domains) from one domain to another, as much of `step` as both have room for."""
    givers, takers = np.flatnonzero(mix > limits.room.low), np.flatnonzero(mix < limits.room.high)
    pairs = np.array([(giver, taker) for giver in givers for taker in takers if giver != taker]).reshape(-1, 2)
    if len(pairs) > MOVES:
        pairs = pairs[rng.choice(len(pairs), MOVES, replace=False)]
    giver, taker = pairs.T
    moved = np.minimum(step, np.minimum((mix - limits.room.low)[giver], (limits.room.high - mix)[taker]))
    mixes = np.tile(mix, (len(pairs), 1))
    mixes[np.arange(len(pairs)), giver] -= moved
    mixes[np.arange(len(pairs)), taker] += moved
    return mixes
