"""How often each quality bucket of the pool repeats, so that a mix gets its tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

from mixes.upsampling import UpsamplingSettings, bucket_repeats
from pipeline.pool.pool import TRAIN, Pool


@dataclass(frozen=True)
class Bucket:
    """A quality bucket of a domain: what the pool's training split holds of it."""

    domain: str
    number: int
    documents: int
    tokens: int


def buckets_of(pool: Pool) -> list[Bucket]:
    """All buckets of a pool that hold anything, by domain and number."""
    held: dict[tuple[str, int], list[int]] = {}
    for file in pool.manifest["files"]:
        if file["split"] == TRAIN:
            counts = held.setdefault((file["domain"], file["bucket"]), [0, 0])
            counts[0] += file["documents"]
            counts[1] += file["tokens"]
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
