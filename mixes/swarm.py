"""The swarm: candidate mixes from Dirichlets around the natural mix, natural itself, uniform; some in several seeds.

Sources: Dirichlet candidates and zeroing of small weights from RegMix (arXiv 2407.01492) and OLMo 3; the
flattened centre (natural shares to a power below one) is RegMix's, and keeps small domains in play.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mixes.errors import MixError

TRIES = 2_000  # candidates drawn a wanted mix before giving up
DIGITS = 6  # weights are rounded to so many decimals, so that files and hashes agree


class SwarmSettings(BaseModel):
    """The `swarm:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mixes_a_domain: int = Field(3, ge=1)
    """Candidate mixes for each domain; `mixes` overrides it."""
    mixes: int | None = Field(None, ge=2)
    """Candidate mixes in all."""
    seeds: int = Field(3, ge=2)
    """Proxies of each replicated mix, with the same seeds for all of them: what noise is measured from."""
    replicated: int = Field(2, ge=0)
    """Mixes that are replicated beside natural. What a seed does to all mixes alike is no noise of their difference."""
    flatten: float = Field(0.5, gt=0, le=1)
    """Power of the natural shares that makes the Dirichlets' centre; 1 is natural itself."""
    concentration: tuple[float, float] = (1.5, 15.0)
    """Range, drawn log-uniformly, of the Dirichlets' total concentration."""
    min_weight: float = Field(0.01, ge=0, lt=0.5)
    """Smaller weights become zero."""
    max_epochs: float = Field(4.0, gt=0)
    """Most times that a proxy may repeat a domain's tokens."""
    min_distance: float = Field(0.05, ge=0, lt=1)
    """Least distance between two mixes: half the sum of absolute differences."""

    @model_validator(mode="after")
    def _check(self) -> "SwarmSettings":
        low, high = self.concentration
        if not 0 < low <= high:
            raise ValueError(f"concentration {self.concentration} must be two positive numbers, the smaller one first")
        return self


@dataclass(frozen=True)
class Candidate:
    """One proxy to train: a mix and a seed."""

    mix: str
    weights: Mapping[str, float]
    seed: int


def draw_swarm(
    tokens: Mapping[str, float],
    proxy_tokens: int,
    settings: SwarmSettings,
    seed: int,
    caps: Mapping[str, float] | None = None,
) -> list[Candidate]:
    """The swarm over domains with so many `tokens`, for proxies that train on `proxy_tokens`.

    All mixes share the first natural proxy's seed: they start alike and read the same documents. `caps`: domain →
    largest weight; without it, what `max_epochs` allows of the tokens.

    Raises:
        MixError: fewer than two domains, proxies that repeat all of them too often, or caps that leave no room for so
            many different mixes.
    """
    names = sorted(tokens)
    if len(names) < 2:
        raise MixError(f"swarm: {len(names)} domain(s), a mix needs two")
    held = np.array([tokens[name] for name in names], dtype=float)
    natural = held / held.sum()
    if caps is None and proxy_tokens > settings.max_epochs * held.sum():
        raise MixError(
            f"proxy.tokens: {proxy_tokens:,} tokens repeat the pool's {held.sum():,.0f} more often than "
            f"{settings.max_epochs:g} times, whatever the mix — train on less, or raise swarm.max_epochs"
        )
    most = settings.max_epochs * held / proxy_tokens if caps is None else np.array([caps[name] for name in names])
    mixes = {"natural": natural}
    uniform = np.full(len(names), 1 / len(names))
    if (uniform <= most).all():
        mixes["uniform"] = uniform
    wanted = len(mixes) + (settings.mixes or settings.mixes_a_domain * len(names))
    rng = np.random.default_rng(seed)
    centre = natural**settings.flatten / (natural**settings.flatten).sum()
    for _ in range(TRIES * wanted):
        if len(mixes) == wanted:
            break
        mix = _draw(rng, centre, settings)
        far = all(0.5 * np.abs(mix - other).sum() >= settings.min_distance for other in mixes.values())
        if far and (mix <= most).all():
            mixes[f"mix-{len(mixes) - 1:03d}"] = mix
    if len(mixes) < wanted:
        raise MixError(
            f"swarm: found {len(mixes)} of {wanted} mixes — raise swarm.max_epochs ({settings.max_epochs}) "
            f"or lower swarm.min_distance ({settings.min_distance})"
        )
    swarm = [Candidate(name, rounded_weights(dict(zip(names, mix, strict=True))), 0) for name, mix in mixes.items()]
    replicated = swarm[: 1 + settings.replicated]  # natural, uniform where it can be had, candidates
    return swarm + [replace(candidate, seed=seed) for candidate in replicated for seed in range(1, settings.seeds)]


def _draw(rng: np.random.Generator, centre: np.ndarray, settings: SwarmSettings) -> np.ndarray:
    low, high = np.log(settings.concentration)
    mix = rng.dirichlet(centre * np.exp(rng.uniform(low, high)))
    mix = np.where(mix < settings.min_weight, 0, mix)
    return mix / mix.sum() if mix.sum() else centre


def rounded_weights(mix: Mapping[str, float]) -> dict[str, float]:
    """Rounded weights that still sum to one: the largest takes what rounding left."""
    rounded = np.round(list(mix.values()), DIGITS)
    rounded[rounded.argmax()] += 1 - rounded.sum()
    return {name: float(round(weight, DIGITS)) for name, weight in zip(mix, rounded, strict=True)}
