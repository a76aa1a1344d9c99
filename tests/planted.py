"""Random objectives and limits."""

from dataclasses import replace

import numpy as np

from mixes.laws.curve import Curve
from mixes.laws.registry import LAWS
from mixes.optimum.bounds import AtMost, Bound
from mixes.optimum.limits import Limits
from mixes.optimum.objective import Objective, Part, divergence

FORMS = ("linear", "log_linear", "transfer")
SPREAD = 0.5  # of parameters about a law's start; with much more Clarabel fails on most objectives


def names_of(domains: int) -> tuple[str, ...]:
    return tuple(f"d{number:03d}" for number in range(domains))


def part(form: str, domains: int, tasks: int, rng: np.random.Generator) -> Part:
    """Tasks of one form of law that want different mixes."""
    kind = LAWS[form]
    if isinstance(kind, Curve):
        start = kind.start(domains, kind.starts[0])
        theta = start + rng.normal(scale=SPREAD, size=(tasks, len(start)))
        parameters = np.concatenate([np.full((tasks, 1), 3.0), rng.uniform(0.1, 0.5, (tasks, 1)), theta], axis=1)
    else:
        parameters = rng.normal(3, 0.3, (tasks, domains))
    return Part(kind, parameters, rng.dirichlet(np.ones(tasks)))


def objective(domains: int, tasks: int, seed: int, pull: float = 0.0, forms: tuple[str, ...] = FORMS) -> Objective:
    """`tasks` of each form."""
    rng = np.random.default_rng(seed)
    return Objective(
        tuple(part(form, domains, tasks, rng) for form in forms), rng.dirichlet(np.full(domains, 2.0)), pull
    )


def replicates(aim: Objective, count: int, spread: float) -> list[Objective]:
    """The objective with laws that differ at random, as a bootstrap's do; their scale stays, since it decides whether
    a law is convex."""
    rng = np.random.default_rng(0)

    def other(own: Part) -> Part:
        first = 2 if isinstance(own.kind, Curve) else 0
        noise = rng.normal(scale=spread, size=own.parameters.shape) * (np.arange(own.parameters.shape[1]) >= first)
        return replace(own, parameters=own.parameters + noise)

    return [replace(aim, parts=tuple(other(own) for own in aim.parts)) for _ in range(count)]


def limits(anchor: np.ndarray, kl: float | None = 0.3) -> Limits:
    """Caps of four times the anchor, floors of a fifth of it on some, bounds on the sum of a third, KL."""
    names = names_of(len(anchor))
    caps = [Bound(f"cap {n}", (n,), high=min(1.0, 4 * a)) for n, a in zip(names, anchor.tolist(), strict=True)]
    floors = [Bound(f"floor {n}", (n,), low=0.2 * a) for n, a in zip(names[::4], anchor[::4].tolist(), strict=True)]
    some, held = names[::3], float(anchor[::3].sum())
    group = [Bound("group", some, 0.8 * held, min(1.0, 1.5 * held))] if len(some) > 1 else []
    ceilings = () if kl is None else (AtMost("kl", divergence(anchor), kl),)
    return Limits(names, (*caps, *floors, *group), ceilings)
