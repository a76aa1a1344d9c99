"""Quality-aware upsampling: how often each quality bucket of a domain repeats. The domain then gives the tokens
that a mix wants of it, most of them from its best documents.

Over a domain's quality percentiles x, in tokens, the repeat factor is OLMo 3's truncated power-exponential curve
(arXiv 2512.13961, section 3.4.4 and appendix A.2.4):

    f(x) = 0 for x < a,   C (x − a)^p e^(λ (x − a)) for x ≥ a,   p, λ ≥ 0, so f never falls.

A bucket repeats as often as f is on average over it. Two conditions leave one of p, λ, C open: the integral is
tokens wanted ÷ tokens available, and the best bucket repeats at most `cap` times. Of the curves that meet both, the one
with the largest p is taken, then the one with the largest λ: the steepest, as in the code published with Dolma 3.
So more tokens wanted of a domain never means fewer from one of its buckets: below the cap all buckets grow alike,
at the cap the curve flattens until every kept bucket is at the cap and the domain has no more to give.

A domain's average epochs, which the epoch cap bounds, are tokens wanted ÷ tokens available, discarded ones included;
its best bucket repeats more. With OLMo 3's numbers the average can reach 7 × (1 − 0.4) = 4.2, so an epoch cap of 4 is
always met. Above that, `weight_caps` gives the largest weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixes.errors import MixError
from mixes.runs import to_array

MAX_POWER = 2.0  # p and λ that Dolma 3's published code searches up to
MAX_RATE = 2.0
TOLERANCE = 1e-6  # share by which tokens wanted may exceed what a domain can give: rounding of weights


class UpsamplingSettings(BaseModel):
    """The `upsampling:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    discard: float = Field(0.4, ge=0, lt=1)
    """Share of a domain's tokens, its worst, that is left out; a bucket that lies partly above it stays (OLMo 3)."""
    cap: float = Field(7.0, gt=0, le=1_000)
    """Most times that a bucket may repeat (OLMo 3)."""


@dataclass(frozen=True)
class UpsamplingCurve:
    """The f of the module's docstring."""

    start: float  # a
    power: float  # p
    rate: float  # λ
    scale: float  # C

    def factor(self, x: np.ndarray) -> np.ndarray:
        """Repeat factor at percentiles x (n,) in [0, 1]."""
        above = np.maximum(x - self.start, 0)
        return np.where(x < self.start, 0, self.scale * above**self.power * np.exp(self.rate * above))

    def integral(self, x: np.ndarray) -> np.ndarray:
        """∫ f from 0 to each of x (n,).

        ∫_0^u t^p e^(λt) dt = u^(p+1) / (p+1) · ₁F₁(p+1; p+2; λu): an incomplete gamma function of negative argument.
        """
        from scipy.special import hyp1f1  # slow to import

        above, power = np.maximum(x - self.start, 0), self.power
        return self.scale * above ** (power + 1) / (power + 1) * hyp1f1(power + 1, power + 2, self.rate * above)


def bucket_repeats(
    mix: Mapping[str, float],
    budget: float,
    bucket_tokens: Mapping[str, Sequence[float]],
    settings: UpsamplingSettings,
) -> dict[str, list[float]]:
    """Domain → repeat factor of each of its buckets, worst first, so that it gives weight × `budget` tokens.

    bucket_tokens: domain → tokens of its buckets, worst first; one bucket where quality is not scored, which repeats
    evenly and of which nothing is discarded. An empty bucket's factor is 0.

    Raises:
        MixError: different domains, or a domain that cannot give what the mix wants of it.
    """
    weights = to_array(mix, tuple(bucket_tokens), "mix")
    repeats = {}
    for (name, tokens), weight in zip(bucket_tokens.items(), weights, strict=True):
        sizes, wanted = np.asarray(tokens, dtype=float), float(weight * budget)
        capacity = most_tokens(sizes, settings)
        if not 0 <= wanted <= capacity * (1 + TOLERANCE):
            raise MixError(
                f"upsampling: {wanted:,.0f} tokens are wanted of domain {name!r}, which can give 0 to {capacity:,.0f} "
                f"({settings.cap:g} times the tokens that upsampling.discard leaves of {sizes.sum():,.0f}) — take a "
                f"weight of at most {capacity / budget:.3g}, raise upsampling.cap or lower upsampling.discard"
            )
        repeats[name] = _means(sizes, min(wanted, capacity), settings).tolist()
    return repeats


def bucket_rows(
    mix: Mapping[str, float],
    budget: float,
    bucket_tokens: Mapping[str, Sequence[float]],
    settings: UpsamplingSettings | None,
) -> list[dict[str, str | int | float]]:
    """`bucket_repeats` as a table: domain, bucket, its tokens, repeat, tokens taken. Without settings all buckets of a
    domain repeat alike; those that hold nothing are left out.

    Raises:
        MixError: see `bucket_repeats`.
    """
    if settings is None:
        return [
            {"domain": name, "bucket": bucket, "tokens": tokens, "repeat": repeat, "taken": tokens * repeat}
            for name, held in bucket_tokens.items()
            for repeat in [mix[name] * budget / sum(held)]
            for bucket, tokens in enumerate(held)
            if tokens
        ]
    return [
        {"domain": name, "bucket": bucket, "tokens": tokens, "repeat": repeat, "taken": tokens * repeat}
        for name, repeats in bucket_repeats(mix, budget, bucket_tokens, settings).items()
        for bucket, (tokens, repeat) in enumerate(zip(bucket_tokens[name], repeats, strict=True))
    ]


def weight_caps(
    bucket_tokens: Mapping[str, Sequence[float]], budget: float, settings: UpsamplingSettings
) -> dict[str, float]:
    """Domain → largest weight at which `bucket_repeats` finds a curve."""
    return {
        name: min(1.0, most_tokens(np.asarray(tokens, dtype=float), settings) / budget)
        for name, tokens in bucket_tokens.items()
    }


def most_tokens(sizes: np.ndarray, settings: UpsamplingSettings) -> float:
    """What a domain with buckets of these sizes (n,) can give: every kept bucket at the cap."""
    return settings.cap * float(sizes[_discarded(sizes, settings) :].sum())


def upsampling_curve(sizes: np.ndarray, wanted: float, settings: UpsamplingSettings) -> UpsamplingCurve:
    """The curve by which buckets of these sizes (n,), not all empty, give `wanted` tokens: above 0, at most
    `most_tokens`."""
    from scipy.optimize import brentq  # slow to import

    edges = _edges(sizes)
    start = float(edges[_discarded(sizes, settings)])
    last = float(edges[np.flatnonzero(sizes)[-1]])  # lower end of the best bucket that holds anything
    ratio = wanted / sizes.sum()

    def curve(steepness: float) -> UpsamplingCurve:
        shape = UpsamplingCurve(start, min(steepness, MAX_POWER), max(steepness - MAX_POWER, 0.0), 1.0)
        return UpsamplingCurve(start, shape.power, shape.rate, ratio / float(shape.integral(np.array(1.0))))

    def above_cap(steepness: float) -> float:
        return float(np.diff(curve(steepness).integral(np.array([last, 1.0])))[0]) / (1 - last) - settings.cap

    steepest = MAX_POWER + MAX_RATE
    if above_cap(steepest) <= 0:
        return curve(steepest)
    if above_cap(0.0) >= 0:  # all kept buckets at the cap, but for rounding
        return curve(0.0)
    return curve(brentq(above_cap, 0.0, steepest, xtol=1e-13, rtol=1e-15))


def _means(sizes: np.ndarray, wanted: float, settings: UpsamplingSettings) -> np.ndarray:
    """(n,) the curve's mean over each bucket."""
    if not wanted:
        return np.zeros(len(sizes))
    taken = np.diff(upsampling_curve(sizes, wanted, settings).integral(_edges(sizes))) * sizes.sum()
    return np.divide(taken, sizes, out=np.zeros(len(sizes)), where=sizes > 0)


def _edges(sizes: np.ndarray) -> np.ndarray:
    """(n + 1,) percentiles between buckets, from 0 to 1."""
    return np.concatenate([[0.0], np.cumsum(sizes) / max(sizes.sum(), 1e-300)])


def _discarded(sizes: np.ndarray, settings: UpsamplingSettings) -> int:
    """How many buckets, from the worst, lie wholly in the discarded share."""
    return int((_edges(sizes)[1:] <= settings.discard * (1 + 1e-12)).sum())
