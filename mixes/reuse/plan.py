"""Reuse of an earlier recommendation when the domains have changed: conditional mixing (OLMo 3), full and partial
mixture reuse (Olmix, arXiv 2602.12237, section 4).

Domains of unchanged content keep their weights relative to one another: together they are one virtual domain, whose
weight is found anew, like those of the open domains. The swarm then grows with the number of changed domains, not of
all domains. The price: where frozen and open domains serve the same tasks, the frozen proportions are no longer the
best ones. `partial` opens those domains, too.

A mix over the virtual and the open domains is *folded*, a mix over all domains full. Every folded mix is an
ordinary mix once it is unfolded, so its runs are ordinary evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from mixes.errors import MixError, did_you_mean
from mixes.reuse.identity import Origin, compare_domains
from mixes.runs import Runs, to_array
from mixes.swarm import Candidate, SwarmSettings, draw_swarm, rounded_weights

VIRTUAL = "(reused)"  # no source can have this name
PROPORTIONS = 1e-4  # how far a full mix may be from the frozen proportions and still be folded: weights are rounded
KEPT = ("same", "renamed")
LEAST_MIXES = 10  # of a swarm over few folded domains, unless `mixes` is set: cross-validation needs as many


@dataclass(frozen=True)
class ReusePlan:
    """Which domains keep their proportions, and which are mixed anew."""

    frozen: Mapping[str, float]  # domain → share of the virtual domain; they sum to 1
    open: tuple[str, ...]  # sorted
    origins: Mapping[str, Origin]  # domain → where it comes from
    removed: tuple[str, ...]  # earlier domains that are gone; their weight goes to all others

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of a folded mix."""
        return (VIRTUAL, *self.open)


def plan_reuse(
    mix: Mapping[str, float], earlier: Mapping[str, str], now: Mapping[str, str], partial: Sequence[str] = ()
) -> ReusePlan:
    """The plan that reuses `mix`, found over domains of content `earlier`, over the domains `now`.

    earlier, now: domain → content (`identity.domain_content`); partial: globs of today's domains to open, too.

    Raises:
        MixError: mix and `earlier` name different domains, a glob matches none, or no weight is left to reuse.
    """
    to_array(mix, tuple(earlier), "earlier recommendation")
    for glob in partial:
        if not any(fnmatchcase(name, glob) for name in now):
            raise MixError(f"reuse.partial: {glob!r} matches no domain — {did_you_mean(glob, sorted(now))}")
    origins = compare_domains(earlier, now)
    kept = {
        name: mix[origins[name].earlier[0]]
        for name in sorted(now)
        if origins[name].fate in KEPT and not any(fnmatchcase(name, glob) for glob in partial)
    }
    total = sum(kept.values())
    if not total:
        raise MixError(
            "reuse: no domain that has a weight in the earlier recommendation is left as it was — "
            "leave the section out, or open fewer domains by reuse.partial"
        )
    return ReusePlan(
        frozen={name: weight / total for name, weight in kept.items()},
        open=tuple(sorted(set(now) - set(kept))),
        origins=origins,
        removed=tuple(sorted(set(earlier) - {name for origin in origins.values() for name in origin.earlier})),
    )


def unfold(mix: Mapping[str, float], plan: ReusePlan) -> dict[str, float]:
    """Full weights of a folded mix.

    Raises:
        MixError: the mix names other domains than the plan's.
    """
    to_array(mix, plan.domains, "folded mix")
    full = {name: mix[VIRTUAL] * share for name, share in plan.frozen.items()} | {name: mix[name] for name in plan.open}
    return dict(sorted(full.items()))


def fold(mix: Mapping[str, float], plan: ReusePlan, what: str = "mix") -> dict[str, float]:
    """The folded mix of full weights.

    Raises:
        MixError: other domains, or the frozen ones are not in the plan's proportions.
    """
    to_array(mix, (*plan.frozen, *plan.open), what)
    folded = fold_amounts(mix, plan)
    for name, share in plan.frozen.items():
        if abs(mix[name] - share * folded[VIRTUAL]) > PROPORTIONS:
            raise MixError(
                f"{what}: domain {name!r} has weight {mix[name]:.6g}, not the reused "
                f"{share * folded[VIRTUAL]:.6g} — it belongs to another swarm, or open it by reuse.partial"
            )
    return folded


def fold_amounts(amounts: Mapping[str, float], plan: ReusePlan) -> dict[str, float]:
    """Tokens or shares by domain, those of the frozen domains added up."""
    together = sum(amounts[name] for name in plan.frozen)
    return {VIRTUAL: together, **{name: amounts[name] for name in plan.open}}


def fold_caps(caps: Mapping[str, float], plan: ReusePlan) -> dict[str, float]:
    """Largest weights by domain; the virtual domain's is what its tightest member allows."""
    tightest = min(caps[name] / share for name, share in plan.frozen.items() if share)
    return {VIRTUAL: min(1.0, tightest), **{name: caps[name] for name in plan.open}}


def fold_runs(runs: Runs, plan: ReusePlan) -> Runs:
    """The same runs over folded weights, to which a law over few domains is fitted.

    Raises:
        MixError: a run whose mix cannot be folded.
    """
    return Runs(tuple(replace(run, weights=fold(run.weights, plan, f"run {run.id}")) for run in runs.runs))


def draw_reusing_swarm(
    tokens: Mapping[str, int],
    proxy_tokens: int,
    settings: SwarmSettings,
    seed: int,
    plan: ReusePlan,
    caps: Mapping[str, float] | None = None,
) -> list[Candidate]:
    """A swarm over the plan's folded domains, in full weights, which proxies train on; for the arguments see
    `draw_swarm`.

    Its `natural` mix holds the frozen domains at their joint natural share, but in the reused proportions (a small
    one may so repeat more often than `max_epochs`); its `uniform` one gives the virtual domain as much as an open one.

    Raises:
        MixError: no domain is open, or `draw_swarm` finds no room.
    """
    if not plan.open:
        raise MixError(
            "reuse: no domain is new or changed, so there is nothing to find: the earlier weights, scaled to sum to 1, "
            "are the mix — leave the section out, or open domains by reuse.partial"
        )
    caps = caps or {name: settings.max_epochs * count / proxy_tokens for name, count in tokens.items()}
    mixes = settings.mixes or max(LEAST_MIXES, settings.mixes_a_domain * len(plan.domains))
    chosen = settings.model_copy(update={"mixes": mixes})
    drawn = draw_swarm(fold_amounts(tokens, plan), proxy_tokens, chosen, seed, fold_caps(caps, plan))
    return [replace(candidate, weights=rounded_weights(unfold(candidate.weights, plan))) for candidate in drawn]
