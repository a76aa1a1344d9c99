"""How much of a predicted gain each domain's change of weight brings: a signed importance that sums to the gain.

On the straight line from the reference r to the mix m, with d = m − r and the score f,

    share_i = −d_i ∫₀¹ (∂f/∂w_i − ḡ) dt,   ḡ = Σ_j w_j ∂f/∂w_j,

the Aumann–Shapley value (Aumann & Shapley 1974; integrated gradients, Sundararajan et al. 2017). Weights sum to one,
so Σ d_i = 0 and ḡ, the mix's own mean slope, changes no sum: it says that tokens taken from a domain go to the whole
mix in proportion. A domain that is worse than the mix's mean brings a gain by being lowered.

Intervals come from imagined worlds: the share by the laws minus the errors that refits make of their truths' shares.
The mean of these errors is taken off the share itself, as it is off a recommendation's gain. A gain that is stated also
lacks what choosing the mix added to it; that is taken off all shares in proportion to their sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixes.certainty.worlds import Side, Worlds
from mixes.laws.kind import LawKind
from mixes.recommendation.problem import Problem

POINTS = 48  # of the line; near its ends they are closer, since slopes of w^γ are steep near 0
POINTS_IN_WORLDS = 12  # where a share's error is wanted to two digits


@dataclass(frozen=True)
class GainShares:
    """By domain, in the order of the runs' domains, in the unit of the scores; above 0 is better."""

    claimed: np.ndarray  # (n_domains,) by the laws themselves; they sum to the claimed gain
    shares: np.ndarray  # (n_domains,) the mean optimism of the laws taken off; they sum to a gain that is stated
    low: np.ndarray  # (n_domains,)
    high: np.ndarray  # (n_domains,)


def gain_shares(problem: Problem, worlds: Worlds, aim: str, mix: np.ndarray, stated: float | None = None) -> GainShares:
    """What each domain's change from the reference to `mix` (n_domains,) gains on one aim.

    stated: the gain that the shares sum to; None is the sum of their own estimates.
    """
    laws = problem.fitted.laws
    counted = {task: value for task, value in problem.aims[aim].items() if value}
    own = {task: laws[task].parameters[None] for task in counted}
    kinds = {task: laws[task].kind for task in counted}
    shares = _shares(kinds, own, counted, problem.reference, mix, POINTS)[0]
    refits, truths = (_in_worlds(worlds, side, counted, problem.reference, mix) for side in ("refits", "truths"))
    tail = (1 - problem.question.settings.coverage) / 2
    likely = shares - (refits - truths)
    low, high = np.quantile(likely, (tail, 1 - tail), axis=0)
    corrected = np.clip(likely, low, high).mean(axis=0)
    move = np.zeros(len(mix)) if stated is None else _in_proportion(stated - corrected.sum(), corrected)
    return GainShares(shares, corrected + move, low + move, high + move)


def _in_worlds(
    worlds: Worlds, side: Side, counted: Mapping[str, float], reference: np.ndarray, mix: np.ndarray
) -> np.ndarray:
    """(B, n_domains) the shares by each world's truths or refits."""
    parameters = getattr(worlds, side)
    return _shares(worlds.kinds, parameters, counted, reference, mix, POINTS_IN_WORLDS)


def _shares(
    kinds: Mapping[str, LawKind],
    parameters: Mapping[str, np.ndarray],
    counted: Mapping[str, float],
    reference: np.ndarray,
    mix: np.ndarray,
    points: int,
) -> np.ndarray:
    """(B, n_domains) for parameters (B, q) of each task, scaled so that they sum to the gain exactly."""
    angle = (np.arange(points) + 0.5) * np.pi / points
    times, lengths = (1 - np.cos(angle)) / 2, np.sin(angle)
    slope: np.ndarray | float = 0.0
    for time, length in zip(times, lengths / lengths.sum(), strict=True):
        at = reference + time * (mix - reference)
        here = sum(value * kinds[task].gradient(parameters[task], at) for task, value in counted.items())
        slope = slope + length * (here - (here @ at)[:, None])
    shares = -(mix - reference) * slope
    ends = np.stack([reference, mix])
    before, after = sum(value * kinds[task].predict(parameters[task], ends) for task, value in counted.items()).T  # type: ignore[union-attr]
    missing = (before - after) - shares.sum(axis=1)
    return shares + _in_proportion(missing[:, None], shares)


def _in_proportion(total: np.ndarray | float, shares: np.ndarray) -> np.ndarray:
    """`total`, split in proportion to the sizes of `shares` (…, n_domains)."""
    size = np.abs(shares)
    parts: np.ndarray = total * size / np.maximum(size.sum(axis=-1, keepdims=True), 1e-300)
    return parts
