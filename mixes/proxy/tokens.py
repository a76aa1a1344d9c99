"""Batches drawn by a mix from memory-mapped token files.

A domain's sequences come in one order, fixed by the seed and the domain's name; the mix only decides how
many of them are taken. Two proxies of one seed thus differ by their mix and by nothing else (common random
numbers), and domains interleave by largest deficit, so the realised share of a domain is within one
sequence of its weight at every step.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mixes.errors import MixError

DTYPE = np.uint16  # of token files: vocabularies up to 65,536


@dataclass(frozen=True)
class DomainTokens:
    """A domain's token files as one stream, cut into sequences of `context` tokens and the one that follows."""

    name: str
    files: Sequence[Path]
    context: int

    @cached_property
    def _maps(self) -> list[np.ndarray]:
        return [np.memmap(file, dtype=DTYPE, mode="r") for file in self.files if file.stat().st_size]

    @cached_property
    def _ends(self) -> np.ndarray:
        """(files,) running count of tokens."""
        return np.cumsum([len(tokens) for tokens in self._maps], dtype=np.int64)

    @cached_property
    def sequences(self) -> int:
        """How many whole sequences there are."""
        return (int(self._ends[-1]) - 1) // self.context if len(self._ends) else 0

    def sequence(self, number: int) -> np.ndarray:
        """(context + 1,) token ids: the sequence and, shifted by one, its targets."""
        start, end = number * self.context, (number + 1) * self.context + 1
        parts = []
        file = int(np.searchsorted(self._ends, start, side="right"))
        while start < end:
            before = int(self._ends[file - 1]) if file else 0
            part = self._maps[file][start - before : end - before]
            parts.append(part)
            start += len(part)
            file += 1
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def order(self, seed: int) -> Iterator[int]:
        """Sequence numbers without end: a new permutation every epoch."""
        if not self.sequences:
            raise MixError(f"domain {self.name}: holds less than one sequence of {self.context} tokens")
        name = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], "big")
        rng = np.random.default_rng([seed, name])
        while True:
            yield from rng.permutation(self.sequences).tolist()


def interleave(weights: np.ndarray, count: int) -> np.ndarray:
    """Domain numbers, (count,), so that every prefix is as near to `weights` (n_domains,) as it can be."""
    taken = np.zeros(len(weights))
    chosen = np.empty(count, dtype=np.int64)
    for position in range(count):
        chosen[position] = np.argmax(weights * (position + 1) - taken)
        taken[chosen[position]] += 1
    return chosen


def batches(
    weights: Mapping[str, float], domains: Mapping[str, DomainTokens], steps: int, batch: int, seed: int
) -> Iterator[np.ndarray]:
    """`steps` arrays of (batch, context + 1) token ids, drawn by `weights` (domain → share).

    Raises:
        MixError: a weight names a domain without tokens.
    """
    names = sorted(name for name, weight in weights.items() if weight > 0)
    for name in names:
        if name not in domains:
            raise MixError(f"mix: no tokens for domain {name!r} — known are {', '.join(sorted(domains))}")
    chosen = interleave(np.array([weights[name] for name in names]), steps * batch)
    orders = [domains[name].order(seed) for name in names]
    for start in range(0, len(chosen), batch):
        rows = [domains[names[d]].sequence(next(orders[d])) for d in chosen[start : start + batch]]
        yield np.stack(rows).astype(np.int64)
