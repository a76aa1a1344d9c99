"""Parts of a domain by quality: domain `web` cut in three is `web@low`, `web@middle` and `web@high`.

The names alone say which parts belong together, so files, catalogs and swarms from tables need no column for it. No
source and no topic can have an @ in its name.
"""

from collections.abc import Mapping, Sequence

import numpy as np

PARTS = {2: ("low", "high"), 3: ("low", "middle", "high")}  # number of parts → their names, worst first
MARK = "@"
_NAMES = frozenset(PARTS[3])


def part_name(domain: str, part: str) -> str:
    """`web@high`."""
    return f"{domain}{MARK}{part}"


def whole_of(name: str) -> str:
    """The domain that a part belongs to; any other name is its own."""
    whole, _, part = name.rpartition(MARK)
    return whole if whole and part in _NAMES else name


def parts_of(domain: str, names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that are parts of a domain."""
    return tuple(name for name in names if name != domain and whole_of(name) == domain)


def ties_of(names: Sequence[str]) -> tuple[int, ...]:
    """(len(names),) the place of the part that each part is compared with: the middle one, or the lowest where there
    is none. Any other domain has its own place. Empty where no domain has two parts."""
    places = {name: place for place, name in enumerate(names)}
    ties = []
    for place, name in enumerate(names):
        fellows = parts_of(whole_of(name), names) if whole_of(name) != name else ()
        middle = next(
            (f for f in (part_name(whole_of(name), part) for part in ("middle", "low")) if f in fellows), name
        )
        ties.append(places[middle] if len(fellows) > 1 else place)
    return () if ties == list(range(len(ties))) else tuple(ties)


def spread(mix: Mapping[str, float], names: Sequence[str], natural: Mapping[str, float]) -> dict[str, float]:
    """A mix over `names`: a weight of a whole domain goes to its parts in proportion to their natural shares, or in
    equal shares where these are unknown."""
    weights: dict[str, float] = {}
    for name, weight in mix.items():
        parts = () if name in names else parts_of(name, names)
        total = sum(natural.get(part, 0.0) for part in parts)
        shares = {part: natural[part] / total if total else 1 / len(parts) for part in parts} or {name: 1.0}
        for part, share in shares.items():
            weights[part] = weights.get(part, 0.0) + weight * share
    return weights


def flattened(shares: np.ndarray, names: Sequence[str], power: float) -> np.ndarray:
    """(len(names),) shares of whole domains to a power, summing to one; parts keep their proportions."""
    wholes = [whole_of(name) for name in names]
    places = {whole: place for place, whole in enumerate(dict.fromkeys(wholes))}
    group = np.array([places[whole] for whole in wholes])
    total = np.bincount(group, weights=shares)[group]
    flat = total**power * np.divide(shares, total, out=np.zeros(len(shares)), where=total > 0)
    return flat / flat.sum()
