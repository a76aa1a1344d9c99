"""Batches drawn by mixes from memory-mapped token files, for all proxies of a cohort at once.

A domain's sequences come in one order, fixed by the seed and the domain's name; the mix only decides how many of
them are taken. Two proxies of one seed thus differ by their mix and by nothing else (common random numbers). Domains
take turns as evenly as they can, not at random, so a run's realised share of a domain is within one sequence of its
weight. Nothing here has a state: the batch of any step can be made without those before it, so a killed run can go on.
Where only a part of a domain is kept (mixes/proxy/repetition.py), it is the beginning of the seed's order, again and
again: one part for all proxies of a seed, another one for each seed.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from mixes.errors import MixError
from mixes.runs import SUM_TOLERANCE

NARROW = 1 << 16  # largest vocabulary whose token files hold 16 bits per token; those of a larger one hold 32
MOST_TOKENS = 1 << 19  # of a vocabulary: twice the largest in use


def id_type(vocabulary: int) -> np.dtype:
    """The type of the ids in token files: the narrowest that holds the vocabulary."""
    return np.dtype(np.uint16 if vocabulary <= NARROW else np.uint32)


@dataclass(frozen=True)
class DomainTokens:
    """A domain's token files as one stream, cut into sequences of `context` tokens and the one that follows."""

    name: str
    files: Sequence[Path]
    context: int
    kept: int | None = None  # sequences of it that are read, over and over; None reads all
    vocabulary: int = NARROW  # of the files' ids; decides their width

    @cached_property
    def _maps(self) -> list[np.ndarray]:
        dtype, files = id_type(self.vocabulary), [file for file in self.files if file.stat().st_size]
        return [np.asarray(np.memmap(file, dtype=dtype, mode="r")) for file in files]

    @cached_property
    def _ends(self) -> np.ndarray:
        """(files,) running count of tokens."""
        return np.cumsum([len(tokens) for tokens in self._maps], dtype=np.int64)

    @cached_property
    def sequences(self) -> int:
        """How many whole sequences there are."""
        return (int(self._ends[-1]) - 1) // self.context if len(self._ends) else 0

    def read(self, numbers: np.ndarray) -> np.ndarray:
        """(n, context + 1) token ids of the sequences `numbers`: each and, shifted by one, its targets."""
        rows = np.empty((len(numbers), self.context + 1), dtype=id_type(self.vocabulary))
        starts = numbers.astype(np.int64) * self.context
        files = np.searchsorted(self._ends, starts, side="right")
        inside = starts - np.concatenate(([0], self._ends))[files]
        for row, file, start in zip(rows, files.tolist(), inside.tolist(), strict=True):
            part = self._maps[file][start : start + self.context + 1]
            row[: len(part)] = part
            while len(part) < len(row):  # the sequence goes on in the next file
                file += 1
                more = self._maps[file][: len(row) - len(part)]
                row[len(part) : len(part) + len(more)] = more
                part = row[: len(part) + len(more)]
        return rows

    def order(self, seed: int) -> "Order":
        """The order in which proxies of a seed read this domain.

        Raises:
            MixError: the domain holds less than one sequence, or fewer than `kept`.
        """
        if not self.sequences:
            raise MixError(f"domain {self.name}: holds less than one sequence of {self.context} tokens")
        if self.kept is not None and not 0 < self.kept <= self.sequences:
            raise MixError(f"domain {self.name}: holds {self.sequences} sequences, of which {self.kept} cannot be kept")
        return Order(self.name, self.sequences, seed, self.kept)


@dataclass(frozen=True)
class Order:
    """A domain's sequence numbers without end: a new permutation every epoch, of the first epoch's first `kept`."""

    name: str
    sequences: int
    seed: int
    kept: int | None = None

    def at(self, places: np.ndarray) -> np.ndarray:
        """(n,) sequence numbers at `places` (n,) of the order, counted from 0."""
        epochs, within = np.divmod(places, self.kept or self.sequences)
        numbers = np.empty(len(places), dtype=np.int64)
        for epoch in np.unique(epochs):
            of_epoch = epochs == epoch
            numbers[of_epoch] = _permutation(self, int(epoch))[within[of_epoch]]
        return numbers


@cache
def _permutation(order: Order, epoch: int) -> np.ndarray:
    name = int.from_bytes(hashlib.sha256(order.name.encode()).digest()[:8], "big")
    rng = np.random.default_rng([order.seed, name, epoch])
    if order.kept and epoch:
        return _permutation(order, 0)[rng.permutation(order.kept)]
    return rng.permutation(order.sequences)


def interleave(weights: np.ndarray, count: int) -> np.ndarray:
    """Domain numbers, (count,): how many of each is `weights` (n_domains,) × count to within one, and their turns are
    spread evenly, the k-th of n at (k + ½) / n of the way."""
    exact = weights / weights.sum() * count
    taken = np.floor(exact).astype(np.int64)
    taken[np.argsort(taken - exact, kind="stable")[: count - taken.sum()]] += 1  # the largest remainders
    domains = np.repeat(np.arange(len(weights)), taken)
    before = np.repeat(np.cumsum(taken) - taken, taken)
    turns = (np.arange(count) - before + 0.5) / np.repeat(taken, taken)
    return domains[np.argsort(turns, kind="stable")].astype(np.uint16)


@dataclass(frozen=True)
class Member:
    """One proxy of a cohort: its mix (domain → share of tokens) and its seed."""

    weights: Mapping[str, float]
    seed: int


class Batches:
    """What every proxy of a cohort reads at every step.

    Raises:
        MixError: weights do not sum to 1 or name a domain without tokens; when it is read, a token is not in the
            vocabulary.
    """

    def __init__(
        self, members: Sequence[Member], domains: Mapping[str, DomainTokens], steps: int, batch: int, vocabulary: int
    ) -> None:
        names = sorted({name for member in members for name, weight in member.weights.items() if weight > 0})
        for name in names:
            if name not in domains:
                raise MixError(f"mix: no tokens for domain {name!r} — known are {', '.join(sorted(domains))}")
        for member in members:
            if abs(sum(member.weights.values()) - 1) > SUM_TOLERANCE or min(member.weights.values()) < 0:
                raise MixError(f"mix: weights are below 0 or sum to {sum(member.weights.values()):.6g}, not 1")
        self.domains = [domains[name] for name in names]
        self.seeds = np.array([member.seed for member in members])
        self.orders = [{seed: domain.order(int(seed)) for seed in set(self.seeds)} for domain in self.domains]
        weights = np.array([[member.weights.get(name, 0.0) for name in names] for member in members])
        self.turns = np.stack([interleave(row, steps * batch) for row in weights])  # (S, steps · batch)
        self.steps, self.batch, self.vocabulary = steps, batch, vocabulary

    def from_step(self, step: int) -> Iterator[np.ndarray]:
        """(S, batch, context + 1) token ids of `step`, and of those after it."""
        before = self.turns[:, : step * self.batch]
        taken = np.stack([np.count_nonzero(before == d, axis=1) for d in range(len(self.domains))])  # (n_domains, S)
        for start in range(step * self.batch, self.steps * self.batch, self.batch):
            turns = self.turns[:, start : start + self.batch]
            rows = np.empty((*turns.shape, self.domains[0].context + 1), dtype=np.int32)
            for d, domain in enumerate(self.domains):
                of_domain = turns == d
                places = taken[d][:, None] + np.cumsum(of_domain, axis=1) - 1
                for seed, order in self.orders[d].items():
                    of_seed = of_domain & (self.seeds == seed)[:, None]
                    rows[of_seed] = self._checked(domain, domain.read(order.at(places[of_seed])))
                taken[d] += of_domain.sum(axis=1)
            yield rows

    def _checked(self, domain: DomainTokens, rows: np.ndarray) -> np.ndarray:
        if rows.size and rows.max() >= self.vocabulary:
            raise MixError(
                f"domain {domain.name}: its files hold token {rows.max()}, and the tokenizer has {self.vocabulary} "
                "tokens — give the tokenizer.json that they were made with"
            )
        return rows
