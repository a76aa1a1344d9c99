"""Mixes of one's own beside frozen proportions: which frozen domains a mix holds in other ones.

Such a mix cannot be scored by laws over folded domains. It can once enough of these domains are mixed anew.
"""

from collections.abc import Iterable, Mapping

from mixes.reuse.caps import opened
from mixes.reuse.plan import PROPORTIONS, ReusePlan


def farthest_off(mix: Mapping[str, float], plan: ReusePlan) -> tuple[str, float] | None:
    """The frozen domain whose weight in a full mix is farthest from the frozen proportions, and its weight in these;
    None where the mix can be folded."""
    together = sum(mix[name] for name in plan.frozen)
    off = {name: abs(mix[name] - share * together) for name, share in plan.frozen.items()}
    name = max(off, key=lambda name: off[name])
    return (name, plan.frozen[name] * together) if off[name] > PROPORTIONS else None


def domains_off(mixes: Iterable[Mapping[str, float]], plan: ReusePlan) -> tuple[str, ...]:
    """Frozen domains with which mixed anew all these full mixes can be folded, those farthest off first. Where that
    leaves no weight to reuse, `opened` says so."""
    names: list[str] = []
    left: ReusePlan | None = plan
    for mix in mixes:
        while left and (off := farthest_off(mix, left)):
            names.append(off[0])
            left = opened(plan, names)
    return tuple(names)
