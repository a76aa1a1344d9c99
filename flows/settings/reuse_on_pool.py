"""Whether earlier proportions can be kept over a pool: by its caps, by bounds that name single domains, and beside
mixes to compare with."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context

from flows.errors import ExperimentError
from flows.experiment import Experiment
from flows.settings.question import holdings_of
from flows.settings.reuse import reuse_plan
from mixes.budget import budget_tokens
from mixes.optimum.from_settings import matching
from mixes.optimum.holdings import Holdings
from mixes.recommendation.compared import compared_over
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.caps import largest_weights, opened, room_within, tight_domains
from mixes.reuse.plan import ReusePlan
from mixes.reuse.proportions import domains_off, farthest_off
from mixes.tables.keys import listed
from pipeline.pool.pool import Pool


def domains_to_open(experiment: Experiment, pool: Pool, plan: ReusePlan) -> tuple[list[str], list[str]]:
    """The frozen domains that must be mixed anew: those that a bound names, and those whose caps leave no mix in the
    earlier proportions."""
    bound = _bounded(experiment.recommend, plan)
    left = opened(plan, bound)
    if left is None:
        return bound, []
    return bound, list(tight_domains(largest_weights(holdings_of(experiment, pool), experiment.recommend), left))


def check_reuse_on_pool(experiment: Experiment, settings: RecommendSettings, pool: Pool) -> None:
    """Check, before proxies train, that a mix in the earlier proportions can be within the limits, and compared.

    Raises:
        ExperimentError: none is within the caps, a bound is on a domain that is reused, or a mix of `compare` has other
            proportions.
    """
    plan = reuse_plan(experiment, experiment.corpus.stages, pool.folder)
    if plan is None or not plan.open:
        return
    asked = experiment.model_copy(update={"recommend": settings})
    bound, tight = domains_to_open(asked, pool, plan)
    if bound:
        raise ExperimentError(
            f"recommend.limits.bounds: {listed(bound)} would keep the earlier proportion to the other reused domains, "
            "so no bound of its own can hold — add it to reuse.partial"
        )
    if tight:
        raise ExperimentError(_too_tight(settings, holdings_of(asked, pool), plan, tight))
    _check_compared(settings, pool, plan)


def other_proportions(settings: RecommendSettings, pool: Pool, plan: ReusePlan) -> dict[str, str]:
    """Mix of `compare` → what of it is not in the proportions of the plan, in words: laws over folded domains score no
    such mix.

    Raises:
        MixError: a mix names a domain that is not there.
    """
    mixes = compared_over((*plan.frozen, *plan.open), settings.compare, pool.natural)
    odd = {name: off for name, mix in mixes.items() if (off := farthest_off(mix, plan))}
    return {
        name: f"mix {name!r} gives {domain!r} {mixes[name][domain]:.4g}, not the {reused:.4g} of the reused proportions"
        for name, (domain, reused) in odd.items()
    }


def _check_compared(settings: RecommendSettings, pool: Pool, plan: ReusePlan) -> None:
    odd = other_proportions(settings, pool, plan)
    if not odd:
        return
    mixes = compared_over((*plan.frozen, *plan.open), settings.compare, pool.natural)
    names = domains_off(mixes.values(), plan)
    fix = f"leave {listed(list(odd))} out of recommend.compare (or --mix)"
    if opened(plan, names):
        fix += f", or add {', '.join(map(repr, names))} to reuse.partial"
    raise ExperimentError(f"recommend.compare: {next(iter(odd.values()))}, so it cannot be scored — {fix}")


def _bounded(settings: RecommendSettings, plan: ReusePlan) -> list[str]:
    """Frozen domains that a bound is about."""
    names = tuple(sorted({*plan.frozen, *plan.open}))
    bound = {name for pattern in settings.limits.bounds for name in matching(pattern, names, "bounds")}
    return sorted(bound & set(plan.frozen))


def _too_tight(settings: RecommendSettings, holdings: Holdings, plan: ReusePlan, tight: list[str]) -> str:
    caps, available = largest_weights(holdings, settings), holdings.available or {}
    budget, room, first = budget_tokens(settings.budget, available), room_within(caps, plan), tight[0]
    together = caps[first] / plan.frozen[first]
    fix = (
        f"add {', '.join(map(repr, tight))} to reuse.partial" if opened(plan, tight) else "leave the reuse section out"
    )
    if not settings.limits.epochs and min((holdings.caps or {"": 1.0}).values()) >= 1:  # epochs alone cap the weights
        most = Context(prec=3, rounding=ROUND_CEILING).create_decimal(settings.max_epochs / room)
        least = Context(prec=3, rounding=ROUND_FLOOR).create_decimal(budget * room)
        fix += f", raise recommend.max_epochs to {most:f} or lower recommend.budget to {int(least):,}"
    return (
        f"reuse.recommendation: no mix in its proportions is within the caps — {first!r} may be {caps[first]:.4g} of "
        f"the mix ({available[first]:,.0f} tokens at a budget of {budget:,.0f}), so all reused domains together may be "
        f"{together:.4g} at most, and the others {room - together:.4g}: {fix}"
    )
