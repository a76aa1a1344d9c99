"""Caps beside frozen proportions: which frozen domains leave no mix within the caps.

The virtual domain may weigh what its tightest member allows. With that member mixed anew, the others may weigh more;
so frozen domains are opened from the tightest on, and no fewer would do.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from mixes.budget import budget_tokens, epoch_caps
from mixes.optimum.from_settings import epoch_bounds
from mixes.optimum.holdings import Holdings
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.plan import VIRTUAL, ReusePlan, fold_caps

SHORT = 1e-8  # of weight: what caps may miss of 1 (mixes/optimum/polytope.py: NO_ROOM)


def largest_weights(holdings: Holdings, settings: RecommendSettings) -> dict[str, float]:
    """Domain → largest weight, by its epochs and by what else caps it.

    Raises:
        MixError: all domains at their caps do not fill the budget.
    """
    available, limits = holdings.available or {}, settings.limits
    budget = budget_tokens(settings.budget, available)
    if limits.epochs:
        bounds = epoch_bounds(available, budget, settings.max_epochs, limits.epochs, tuple(available))
        caps = dict.fromkeys(available, 1.0) | {bound.domains[0]: bound.high for bound in bounds}
    else:
        caps = epoch_caps(available, budget, settings.max_epochs)
    return {name: min(cap, (holdings.caps or {}).get(name, 1.0)) for name, cap in caps.items()}


def room_within(caps: Mapping[str, float], plan: ReusePlan) -> float:
    """The most that all weights of a folded mix can sum to; below 1 no mix is within the caps (domain → largest
    weight)."""
    folded = fold_caps(caps, plan)
    return folded[VIRTUAL] + sum(min(1.0, folded[name]) for name in plan.open)


def opened(plan: ReusePlan, names: Collection[str]) -> ReusePlan | None:
    """The plan with more domains to mix anew; None where no weight is left to reuse."""
    kept = {name: share for name, share in plan.frozen.items() if name not in names}
    total = sum(kept.values())
    if not total:
        return None
    frozen = {name: share / total for name, share in kept.items()}
    return replace(plan, frozen=frozen, open=tuple(sorted({*plan.open, *set(plan.frozen).intersection(names)})))


def tight_domains(caps: Mapping[str, float], plan: ReusePlan) -> tuple[str, ...]:
    """The frozen domains that must be mixed anew for a mix within the caps to exist, the tightest first; empty where
    one exists. All that have a share, where no mix but those with other proportions is within the caps."""
    tight: list[str] = []
    by_room = sorted((name for name, share in plan.frozen.items() if share), key=lambda n: caps[n] / plan.frozen[n])
    left: ReusePlan | None = plan
    while left and room_within(caps, left) < 1 - SHORT:
        tight.append(by_room[len(tight)])
        left = opened(plan, tight)
    return tuple(tight)
