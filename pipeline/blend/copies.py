"""Which documents a blend takes, and how often: whole copies of all, and one more of a seeded share.

A bucket that repeats r times gives every document ⌊r⌋ or ⌈r⌉ times. Documents stand in one order by a hash of their id
and a seed; those at its beginning get the extra copy. So use only grows along the order: whatever a later blend takes
begins where an earlier one ended, and no document appears again before the bucket is used up.

Of long documents the one at the boundary may be far larger than what is left to take. It is passed over, and shorter
ones behind it fill the rest; they are listed by their hashes (`also`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

HASHES = 1 << 64


@dataclass(frozen=True)
class Use:
    """How far a bucket is used: `copies` of every document, and one more of those whose hash is below `below` or in
    `also`. tokens: what that comes to."""

    copies: int = 0
    below: int = 0
    also: tuple[int, ...] = ()
    tokens: int = 0


UNUSED = Use()


class Uses:
    """How far each bucket of a blend is used, for many documents at once."""

    def __init__(self, uses: Sequence[Use]) -> None:
        self.copies = np.array([use.copies for use in uses], dtype=np.int64)  # (n_buckets,)
        self.below = np.array([use.below for use in uses], dtype=np.uint64)
        self.also = np.array([place for use in uses for place in use.also], dtype=np.uint64)

    def times(self, hashes: np.ndarray, buckets: np.ndarray) -> np.ndarray:
        """(n,) how often documents of these hashes (n,) in these buckets (n,) are used."""
        return self.copies[buckets] + self.is_ahead(hashes, buckets)

    def is_ahead(self, hashes: np.ndarray, buckets: np.ndarray) -> np.ndarray:
        """(n,) whether they have one copy more than the others of their bucket."""
        ahead: np.ndarray = hashes < self.below[buckets]
        return ahead | np.isin(hashes, self.also) if len(self.also) else ahead


def mixed(values: np.ndarray, seed: int, stream: int) -> np.ndarray:
    """(n,) uint64: a hash of each of `values` (n,) uint64, another one for every seed and stream.

    Steele, Lea, Flood (OOPSLA 2014), "Fast splittable pseudorandom number generators": the finaliser of SplitMix64.
    """
    with np.errstate(over="ignore"):
        salt = np.uint64((seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03 + 1) % HASHES)
        mixed = values ^ _finalised(salt + np.uint64(0x9E3779B97F4A7C15))
        return _finalised(_finalised(mixed) + salt)


def _finalised(values: np.ndarray | np.uint64) -> np.ndarray:
    z = np.asarray(values, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


SELECT = 0  # stream of the order in which documents are taken
PLACE = 1  # stream of the first copy's place in the blend; the next copy's is one higher


def order_of(ids: np.ndarray, seed: int) -> np.ndarray:
    """(n,) uint64: where documents of these ids (n,) uint64 stand in the order in which they are taken."""
    return mixed(ids, seed, SELECT)


def place_of(ids: np.ndarray, seed: int, copy: int) -> np.ndarray:
    """(n,) uint64: where the `copy`-th copy (from 0) of documents of these ids stands in the shuffled blend."""
    return mixed(ids, seed, PLACE + copy)
