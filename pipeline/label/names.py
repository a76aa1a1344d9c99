"""Topics as parts of domains' names: readable, of bounded length, and a name of its own for each label."""

import unicodedata
from collections.abc import Iterable

from mixes.hashes import short_hash

OTHER = "other"  # topics of a source that are no domain of their own, and documents without a label
UNNAMED = "unnamed"  # of a label without a letter
LONGEST = 60  # characters of a name
KEPT = frozenset("+#.-")  # what tells C, C++ and C# apart
DIGITS = 6  # of the hash that tells apart what would have one name


def topic_names(labels: Iterable[str]) -> dict[str, str]:
    """Label → name: `Physical sciences` is physical_sciences, C++ is c++.

    Labels that would share a name (Web and web), and those too long for one, have a hash of the label at its end.
    """
    names = {label: _readable(label) for label in sorted(set(labels))}
    counts: dict[str, int] = {}
    for name in names.values():
        counts[name] = counts.get(name, 0) + 1
    return {
        label: name if counts[name] == 1 and len(name) <= LONGEST else f"{name[:LONGEST]}-{short_hash(label)[:DIGITS]}"
        for label, name in names.items()
    }


def _readable(label: str) -> str:
    plain = unicodedata.normalize("NFC", label).lower()
    return "_".join("".join(c if c.isalnum() or c in KEPT else " " for c in plain).split()).strip(".-") or UNNAMED
