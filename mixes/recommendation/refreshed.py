"""What a refresh found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RefreshVerdict = Literal["unchanged", "keep", "change"]


@dataclass(frozen=True)
class Moved:
    """A domain that is not what it was."""

    domain: str
    fate: str  # changed, added, renamed, split, merged, or removed
    tokens_before: int
    tokens_now: int
    share: float  # tokens that came or went ÷ the larger of both counts; 1 where all did, 0 where only the name did


@dataclass(frozen=True)
class Advantage:
    """What a new mix gains over the standing one on the target, in the target's units; more is better."""

    value: float
    low: float
    high: float
    chance: float  # that it is above zero
    noise: float  # of a difference between proxies of these two mixes, by which the verdict goes


@dataclass(frozen=True)
class Refreshed:
    """A refresh: whether the standing recommendation should be kept."""

    verdict: RefreshVerdict
    before: str  # id of the recommendation that stood
    standing: str  # id of the one that stands from now on
    reason: str  # in a sentence
    pool_before: str
    pool: str
    moved: tuple[Moved, ...] = ()
    proxies: int = 0  # trained for this
    seconds: float = 0.0
    advantage: Advantage | None = None  # None where nothing was found anew
    recommendation: str | None = None  # id of the one that was found anew
    mix_before: Mapping[str, float] = field(default_factory=dict)  # over today's domains
    mix: Mapping[str, float] = field(default_factory=dict)  # domain → share
    seen: Mapping[str, float] = field(default_factory=dict)  # domain → tokens that the training has seen
    mix_for_the_rest: Mapping[str, float] = field(default_factory=dict)  # domain → share of the tokens that are left
