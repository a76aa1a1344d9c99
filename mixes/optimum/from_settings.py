"""Limits, made from `recommend.limits`."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import numpy as np

from mixes.budget import UNITS
from mixes.errors import MixError, did_you_mean
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, divergence
from mixes.optimum.settings import LimitSettings, ends
from mixes.quality_parts import parts_of, spread, whole_of


def limits_of(
    settings: LimitSettings,
    domains: Sequence[str],
    anchor: np.ndarray,
    objectives: Mapping[str, Objective],
    available: Mapping[str, float] | None = None,
    budget: float = 0.0,
    max_epochs: float = 0.0,
    called: str = "natural",
    checkpoint: Mapping[str, float] | None = None,
    optimism: Mapping[str, float] | None = None,
    all_names: Sequence[str] = (),
) -> Limits:
    """The limits of a recommendation.

    Args:
        settings: the limits as the user states them.
        domains: in the order of every weights axis.
        anchor: (n_domains,) natural, or `near` (see anchor_of).
        objectives: family or task → its mean bpb as a function of the mix; those that `keep` names.
        available: domain → tokens that a training run can draw on; None counts no epochs.
        budget: tokens of the training run.
        max_epochs: of every domain that `settings.epochs` does not name.
        called: what natural is called in the limits' names.
        checkpoint: family or task → bpb of the checkpoint that proxies start from. `keep` then counts from there.
        optimism: family or task → bpb by which the laws overstate a mix. The floors of `keep` are lowered by it.
        all_names: every family and task, for the error about an unknown one.

    Raises:
        MixError: an unknown name, or limits that contradict each other.
    """
    reference = "the mix of `near`" if settings.near else called
    names = tuple(domains)
    bounds = [] if available is None else epoch_bounds(available, budget, max_epochs, settings.epochs, names)
    for pattern, value in settings.bounds.items():
        low, high = ends(value)
        bounds.append(
            Bound(f"bounds: {pattern} {_range_text(low, high)}", matching(pattern, names, "bounds"), low, high)
        )
    ceilings = []
    if settings.most_kl is not None:
        name = f"most_kl: at most {settings.most_kl:g} nats from {reference}"
        ceilings.append(AtMost(name, divergence(anchor), settings.most_kl))
    for name, worse in settings.keep.items():
        if name not in objectives:
            raise MixError(f"keep: no family or task {name!r} — {did_you_mean(name, all_names or objectives)}")
        reached = checkpoint[name] if checkpoint else float(objectives[name].value(anchor[None])[0])
        origin = f"{reached:.4g} of {'the checkpoint' if checkpoint else reference} {worse:+g}"
        over = (optimism or {}).get(name, 0.0)
        if over:
            origin += f", the laws' optimism of {over:.2g} taken off"
        ceiling = reached + worse - over
        ceilings.append(AtMost(f"keep: {name} ≤ {ceiling:.4g} bpb ({origin})", objectives[name], ceiling))
    return Limits(names, tuple(bounds), tuple(ceilings))


def epoch_bounds(
    available: Mapping[str, float],
    budget: float,
    max_epochs: float,
    epochs: Mapping[str, float],
    domains: tuple[str, ...],
) -> list[Bound]:
    """Upper bounds on weights: what each domain can give to a budget (tokens) within its epochs.

    Raises:
        MixError: a pattern of `epochs` that matches no domain.
    """
    most_epochs = dict.fromkeys(domains, max_epochs)
    for pattern, value in epochs.items():
        most_epochs |= dict.fromkeys(matching(pattern, domains, "epochs"), value)
    caps = {name: most_epochs[name] * available[name] / budget for name in domains}
    return [
        Bound(
            f"epochs: {name} ≤ {cap:.4g} "
            f"({most_epochs[name]:g} epochs of {_tokens(available[name])} tokens at {_tokens(budget)})",
            (name,),
            high=cap,
        )
        for name, cap in caps.items()
        if cap < 1
    ]


def anchor_of(settings: LimitSettings, domains: Sequence[str], natural: np.ndarray) -> np.ndarray:
    """(n_domains,) the mix that pull, most_kl, keep and closest refer to.

    Raises:
        MixError: `near` names other domains, or does not sum to one.
    """
    if not settings.near:
        return natural
    near = spread(settings.near, domains, dict(zip(domains, natural.tolist(), strict=True)))
    for name in sorted(set(near) - set(domains)):
        raise MixError(f"near: no domain {name!r} — {did_you_mean(name, domains)}")
    mix = np.array([near.get(name, 0.0) for name in domains])
    if mix.min() < 0 or abs(mix.sum() - 1) > 1e-6:
        raise MixError(f"near: weights are below 0 or sum to {mix.sum():.6g}, not 1")
    return mix


def matching(pattern: str, domains: tuple[str, ...], where: str) -> tuple[str, ...]:
    """The domains that a name or pattern matches; of a domain that is cut by quality, all its parts.

    Raises:
        MixError: it matches none.
    """
    matched = (pattern,) if pattern in domains else parts_of(pattern, domains)
    if not matched:
        matched = tuple(name for name in domains if fnmatchcase(name, pattern) or fnmatchcase(whole_of(name), pattern))
    if not matched:
        raise MixError(f"{where}: no domain matches {pattern!r} — {did_you_mean(pattern, domains)}")
    return matched


def _range_text(low: float, high: float) -> str:
    if low == high:
        return f"= {low:g}"
    return " and ".join([f"≥ {low:g}"] * (low > 0) + [f"≤ {high:g}"] * (high < 1)) or "free"


def _tokens(count: float) -> str:
    """1.2B for 1,200,000,000."""
    unit = max((unit for unit in UNITS.items() if unit[1] <= max(count, 1)), key=lambda unit: unit[1])
    return f"{count / unit[1]:.3g}{unit[0]}"
