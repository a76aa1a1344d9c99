"""What became of a domain between two pools, by its content and not by its name.

A domain's content is named by the sum of its documents' hashes, modulo 2^256 (the additive hash of Bellare and
Micciancio 1997). Order does not matter, and the sum over a union is the sum of the parts' sums; so a domain that was
split, or several that were merged, are recognised without looking at a document again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from mixes.errors import MixError

MODULUS = 1 << 256
MOST_PARTS = 24  # most domains among which the parts of a whole are searched: twice 2^12 sums

Fate = Literal["same", "renamed", "changed", "added", "split", "merged"]


@dataclass(frozen=True)
class Origin:
    """How a domain relates to the earlier pool, and the earlier domains that it comes from."""

    fate: Fate
    earlier: tuple[str, ...]


def domain_content(hashes: Iterable[str]) -> str:
    """64 hexadecimal digits that name a domain's content, from hexadecimal hashes of its documents or its parts."""
    return f"{sum(int(digits, 16) for digits in hashes) % MODULUS:064x}"


def compare_domains(earlier: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Origin]:
    """Today's domains → where each comes from; `earlier` and `now`: domain → content.

    An earlier domain that is in no origin was removed.
    """
    origins = _equals(earlier, now)
    old = _without(earlier, {name for origin in origins.values() for name in origin.earlier})
    new = _without(now, origins)
    for whole, content in sorted(old.items()):
        for part in _parts(content, _without(new, origins)):
            origins[part] = Origin("split", (whole,))
    for whole, content in sorted(_without(new, origins).items()):
        if parts := _parts(content, old):
            origins[whole] = Origin("merged", parts)
    moved = {name for origin in origins.values() for name in origin.earlier}
    for name in sorted(_without(new, origins)):
        origins[name] = Origin("changed", (name,)) if name in old and name not in moved else Origin("added", ())
    return dict(sorted(origins.items()))


def stale_domains(recorded: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Domains of recorded evidence whose content is no longer in the present pool, under any name.

    Evidence on other domains may be kept: a domain that is new to the pool has weight 0 in all its mixes.
    """
    present = set(now.values())
    return sorted(name for name, content in recorded.items() if content not in present)


def refuse_stale(recorded: Mapping[str, str], now: Mapping[str, str], what: str, allowed: bool = False) -> list[str]:
    """The stale domains of evidence called `what`, where they are `allowed`.

    Raises:
        MixError: there are stale domains, and `allowed` is false.
    """
    stale = stale_domains(recorded, now)
    if stale and not allowed:
        raise MixError(
            f"{what}: stale, since the content of {_listed(stale)} is not the present pool's — "
            "train a swarm on the present pool, or set `allow_stale` to use it anyway"
        )
    return stale


def _equals(earlier: Mapping[str, str], now: Mapping[str, str]) -> dict[str, Origin]:
    """Domains of equal content: first those of equal name, then each with the first that is left."""
    origins = {name: Origin("same", (name,)) for name, content in sorted(now.items()) if earlier.get(name) == content}
    names: dict[str, list[str]] = {}
    for name, content in sorted(_without(earlier, origins).items()):
        names.setdefault(content, []).append(name)
    for name, content in sorted(_without(now, origins).items()):
        if names.get(content):
            origins[name] = Origin("renamed", (names[content].pop(0),))
    return origins


def _parts(whole: str, candidates: Mapping[str, str]) -> tuple[str, ...]:
    """Candidates whose contents together are `whole`; empty where there are none, or too many candidates to try.

    Sums of all subsets of one half are looked up among those of the other.
    """
    names = sorted(candidates)
    if len(names) > MOST_PARTS:
        return ()
    half = len(names) // 2
    left = {domain_content(candidates[name] for name in subset): subset for subset in _subsets(names[:half])}
    for subset in _subsets(names[half:]):
        missing = (int(whole, 16) - sum(int(candidates[name], 16) for name in subset)) % MODULUS
        if f"{missing:064x}" in left:
            return (*left[f"{missing:064x}"], *subset)
    return ()


def _subsets(names: list[str]) -> list[tuple[str, ...]]:
    return [subset for size in range(len(names) + 1) for subset in combinations(names, size)]


def _without(contents: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    left_out = set(taken)
    return {name: content for name, content in contents.items() if name not in left_out}


def _listed(names: list[str]) -> str:
    quoted = ", ".join(repr(name) for name in names[:3])
    return quoted + (f" and {len(names) - 3} more" if len(names) > 3 else "")
