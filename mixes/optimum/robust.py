"""The mix that is best if the laws are wrong: minimise the mean loss over the worst replicates.

A replicate is an imagined world. Its loss is its objective at the mix minus its objective at the anchor, the negative
of the gain: what all mixes share is no risk. The mean of the worst tenth (the conditional value at risk) is an upper
confidence bound of the loss, above its 90 % quantile, and unlike mean plus deviations it is convex where the laws are.
By Rockafellar and Uryasev (2000, doi:10.21314/JOR.2000.038) it is

    minimise over w, τ, s ≥ 0    τ + Σ_b s_b / (share B)    subject to  loss_b(w) − τ ≤ s_b

which the interior point method solves directly, with the replicates as its convex constraints. Their multipliers are
the weights of the replicates that decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixes.errors import MixError
from mixes.optimum.exact import Optimum, certified
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective
from mixes.optimum.program import Lifted, Scaled, first_order_range
from mixes.optimum.search import search_mix

WORST = 0.1  # share of the replicates whose mean loss is minimised


@dataclass(frozen=True)
class WorstLoss:
    """The mean of the worst `share` of replicates' losses, as a function of the mix like an Objective."""

    objectives: Sequence[Objective]
    share: float

    @property
    def anchor(self) -> np.ndarray:
        """(n_domains,) the mix that losses are counted from."""
        return self.objectives[0].anchor

    def losses(self, mixes: np.ndarray) -> np.ndarray:
        """(n_replicates, n) at mixes (n, n_domains)."""
        both = np.concatenate([mixes, self.anchor[None]])
        values = np.array([objective.value(both) for objective in self.objectives])
        return values[:, :-1] - values[:, -1:]

    def value(self, mixes: np.ndarray) -> np.ndarray:
        """(n,) bpb; a replicate that is only partly in the worst share counts in part."""
        weights = _tail_weights(len(self.objectives), self.share)
        return weights @ -np.sort(-self.losses(mixes), axis=0)

    def gradient(self, mix: np.ndarray) -> np.ndarray:
        """(n_domains,) of the replicates that are worst at a mix."""
        worst = np.argsort(-self.losses(mix[None])[:, 0], kind="stable")
        weights = _tail_weights(len(self.objectives), self.share)
        parts = (w * self.objectives[b].gradient(mix) for w, b in zip(weights, worst, strict=True) if w)
        return np.sum(list(parts), axis=0)


def _tail_weights(count: int, share: float) -> np.ndarray:
    """(count,) of losses from worst to best: 1 / (share count) each, until they sum to one."""
    each = 1 / (share * count)
    return np.clip(1 - each * np.arange(count), 0, each)


def best_robust_mix(
    objectives: Sequence[Objective],
    limits: Limits,
    share: float = WORST,
    candidates: np.ndarray | None = None,
    seed: int = 0,
) -> Optimum:
    """The mix whose mean loss over the worst `share` of replicates is least; its value is that mean, bpb.

    objectives: one per replicate, all of one anchor and pull. The value at the anchor is 0, so the anchor is the answer
    where no mix gains for sure.

    Raises:
        MixError: a share of less than one replicate, or as best_mix.
    """
    if not 1 / len(objectives) <= share <= 1:
        raise MixError(
            f"robust: the worst {share:g} of {len(objectives)} replicates — give a share that holds at least one"
        )
    loss = WorstLoss(objectives, share)
    if not (limits.convex and all(objective.convex for objective in objectives)):
        return search_mix(loss, limits, candidates, None, seed)
    centre, room = limits.centre, limits.room
    span = max(first_order_range(room, objective, centre) for objective in objectives)
    at_anchor = [float(objective.value(loss.anchor[None])[0]) for objective in objectives]
    replicates = [Scaled(objective, offset, 1 / span) for objective, offset in zip(objectives, at_anchor, strict=True)]
    ceilings = limits.scaled
    nothing = Scaled(Objective((), loss.anchor), 0.0, 0.0)
    each = 1 / (share * len(objectives))
    linear = np.zeros((1 + len(ceilings) + len(replicates), 1 + len(replicates)))
    linear[0] = np.append(1.0, np.full(len(replicates), each))
    linear[1 + len(ceilings) :] = np.column_stack([-np.ones(len(replicates)), -np.eye(len(replicates))])
    losses = np.array([term.value(centre) for term in replicates])
    # At an optimum τ is one of the losses, of which none falls by more than the span, and at most the worst mean.
    reached = float(loss.value(centre[None])[0]) / span
    largest = (reached - losses.min() + 1) / each  # bound of one s, since every s counts in the same mean
    low = np.append(losses.min() - 1, np.zeros(len(replicates)))
    high = np.append(reached + 1, np.full(len(replicates), largest))
    lifted = Lifted(room, centre, [nothing, *ceilings, *replicates], linear, low, high, loss.anchor)
    start = np.append(losses.mean(), np.maximum(losses - losses.mean(), 0) + 0.1)
    return certified(lifted, limits, start, span, lambda mix: float(loss.value(mix[None])[0]), 0.0)
