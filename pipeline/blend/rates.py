"""How often each quality bucket of the pool repeats, so that a mix gets its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

from mixes.quality_parts import whole_of
from mixes.upsampling import UpsamplingSettings, bucket_repeats
from pipeline.pool.pool import TRAIN, Pool

EXACT = 1e-12  # share of a domain's tokens to which its use is found


@dataclass(frozen=True)
class Bucket:
    """A quality bucket of a domain: what the pool's training split holds of it."""

    domain: str
    number: int
    documents: int
    tokens: int
    bytes: int  # UTF-8

    @property
    def place(self) -> tuple[str, int]:
        """Domain and number as documents have them: those of a part by quality are of the whole domain."""
        return whole_of(self.domain), self.number


def buckets_of(pool: Pool) -> list[Bucket]:
    """All buckets of a pool that hold anything, by domain and number."""
    held: dict[tuple[str, int], list[int]] = {}
    for file in pool.manifest["files"]:
        if file["split"] == TRAIN:
            counts = held.setdefault((file["domain"], file["bucket"]), [0, 0, 0])
            for place, name in enumerate(("documents", "tokens", "bytes")):
                counts[place] += file[name]
    return [Bucket(*key, *counts) for key, counts in sorted(held.items())]


def repeats_of(
    buckets: list[Bucket], mix: Mapping[str, float], tokens: float, upsampling: UpsamplingSettings | None
) -> list[float]:
    """How often each of `buckets` repeats in a training run of `tokens` tokens of the mix.

    mix: domain → share of tokens; a domain that is absent has none. upsampling: the curve over a domain's buckets;
    without it they repeat alike.

    Raises:
        MixError: a domain cannot give, under the curve, what the mix wants of it.
    """
    by_domain: dict[str, dict[int, int]] = {}
    for bucket in buckets:
        by_domain.setdefault(bucket.domain, {})[bucket.number] = bucket.tokens
    weights = {name: mix.get(name, 0.0) for name in by_domain}
    if upsampling is None:
        even = {name: weights[name] * tokens / sum(held.values()) for name, held in by_domain.items()}
        return [even[bucket.domain] for bucket in buckets]
    sizes = {name: [held.get(number, 0) for number in range(max(held) + 1)] for name, held in by_domain.items()}
    curves = bucket_repeats(weights, tokens, sizes, upsampling)
    return [curves[bucket.domain][bucket.number] for bucket in buckets]


def tokens_to_reach(
    buckets: list[Bucket],
    mix: Mapping[str, float],
    tokens: float,
    upsampling: UpsamplingSettings | None,
    used: list[float],
) -> list[float]:
    """How many tokens of each of `buckets` are used once this blend is written, those of earlier blends among them.

    used: tokens of each bucket that earlier blends took. A domain's total follows the curve of all its use so far: two
    blends of half the tokens use each bucket as one blend of the whole does. A bucket that an earlier blend used more
    than that stays as it is, and the others get what is left.

    Raises:
        MixError: see `repeats_of`.
    """
    reach = list(used)
    for domain in dict.fromkeys(bucket.domain for bucket in buckets):
        places = [place for place, bucket in enumerate(buckets) if bucket.domain == domain]
        own, before = [buckets[place] for place in places], [used[place] for place in places]
        for place, value in zip(places, _filled(own, mix.get(domain, 0.0) * tokens, before, upsampling), strict=True):
            reach[place] = value
    return reach


def _filled(own: list[Bucket], more: float, before: list[float], upsampling: UpsamplingSettings | None) -> list[float]:
    """Tokens of one domain's buckets after `more` tokens on top of `before`."""
    total = sum(before) + more
    if not more:
        return before

    def at(level: float) -> list[float]:
        repeats = repeats_of(own, {own[0].domain: 1.0}, level, upsampling)
        taken = [bucket.tokens * repeat for bucket, repeat in zip(own, repeats, strict=True)]
        return [max(pair) for pair in zip(taken, before, strict=True)]

    filled = at(total)
    if sum(filled) <= total * (1 + EXACT):
        return filled
    low, high = 0.0, total
    while high - low > EXACT * total:
        middle = (low + high) / 2
        low, high = (middle, high) if sum(at(middle)) < total else (low, middle)
    return at(low)
