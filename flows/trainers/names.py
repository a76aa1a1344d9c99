"""Names that every trainer can take: a domain's own where possible, else a mapped one, which is reported."""

import re
from collections.abc import Iterable, Sequence

from flows.trainers.handover import Part

UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")  # in a folder's name, a list separated by commas, a key of YAML


def safe_name(name: str) -> str:
    """A name of letters, digits and `._+-`, which begins with none of them but a letter or digit."""
    return UNSAFE.sub("-", name).strip("-.") or "domain"


def part_names(parts: Sequence[Part]) -> list[str]:
    """A name per part, no two alike even where letters' case is ignored: `web-health`, `web-health.q03`."""
    wanted = [safe_name(part.domain) + ("" if part.bucket is None else f".q{part.bucket:02d}") for part in parts]
    return _unique(wanted)


def _unique(names: Iterable[str]) -> list[str]:
    taken: set[str] = set()
    unique = []
    for name in names:
        candidate, number = name, 2
        while candidate.lower() in taken:
            candidate, number = f"{name}-{number}", number + 1
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def mapped(parts: Sequence[Part], names: Sequence[str]) -> dict[str, str]:
    """Domain → its name in the trainer, where that is another."""
    return {part.domain: name for part, name in zip(parts, names, strict=True) if not name.startswith(part.domain)}
