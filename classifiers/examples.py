"""Labelled texts that a classifier learns from or is measured on."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from classifiers.model import one_line


def text_hash(text: str) -> str:
    """SHA-256 of a text, white space folded, in hexadecimal digits."""
    return hashlib.sha256(one_line(text).encode()).hexdigest()


@dataclass(frozen=True)
class Examples:
    """Texts, a label each, and how many came from where."""

    texts: list[str]
    labels: list[str]
    sources: Mapping[str, int]

    @cached_property
    def hashes(self) -> list[str]:
        """Each text's hash."""
        return [text_hash(text) for text in self.texts]

    @cached_property
    def id(self) -> str:
        """Hash of all texts and labels, in their order."""
        lines = "".join(f"{text_hash} {label}\n" for text_hash, label in zip(self.hashes, self.labels, strict=True))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def counts(self) -> dict[str, int]:
        """Label → texts."""
        return dict(sorted(Counter(self.labels).items()))
