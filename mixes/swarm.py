"""The swarm: candidate mixes from Dirichlets around the natural mix, natural itself, uniform; some in several seeds.

Sources: Dirichlet candidates and zeroing of small weights from RegMix (arXiv 2407.01492) and OLMo 3; the
flattened centre (natural shares to a power below one) is RegMix's, and keeps small domains in play.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mixes.errors import MixError
from mixes.quality_parts import flattened
from mixes.telling import most_telling

TRIES = 2_000  # candidates drawn for each wanted mix before giving up
OFFERED = 8  # times as many mixes as are wanted from which the most telling are chosen
AROUND = 30.0  # concentration of the Dirichlet around an optimum: a weight of 0.2 gets a deviation of 0.07
LEAST = 1e-3  # least of its parameters: a domain that an optimum leaves out hardly ever comes back
FIRST = 8  # least mixes of a first round of several; with natural and uniform, the ten that cross-validation needs
Concentration = Annotated[float, Field(gt=0, le=1_000_000)]
DIGITS = 6  # decimals that weights are rounded to, so that files and hashes agree


class StopSettings(BaseModel):
    """When a swarm has learned enough."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    regret: float = Field(0.5, gt=0, le=1_000)
    """Most that the best mix may still be expected to gain over the one recommended so far, in noises of a difference
    between two proxies."""
    least: int | None = Field(None, ge=FIRST, le=100_000)
    """Candidate mixes that are trained in any case; by default three for every two domains, 16 at least. With fewer
    mixes than domains laws may be very wrong and not know it."""
    step: int | None = Field(None, ge=1, le=100_000)
    """Candidate mixes from one look to the next; by default an eighth of all, four at least."""


class SwarmSettings(BaseModel):
    """The `swarm:` section."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mixes_a_domain: int = Field(3, ge=1, le=10_000)
    """Candidate mixes for each domain; `mixes` overrides it."""
    mixes: int | None = Field(None, ge=2, le=100_000)
    """Candidate mixes in all."""
    rounds: tuple[Annotated[int, Field(ge=1, le=100_000)], ...] = Field((), max_length=1_000)
    """Candidate mixes of each round, in place of `mixes`: from the second on they are drawn around the mixes that
    may be best for `recommend:`, by the scores so far. Empty is one round."""
    stop: StopSettings | None = None
    """End the swarm as soon as the scores say enough; `mixes` or `rounds` are then the most that are trained. Later
    mixes are drawn where they teach most about the best mix, as those of `rounds` are."""
    explore: float = Field(0.25, ge=0, le=1)
    """Share of a later round's mixes that is drawn as the first round's are."""
    seeds: int = Field(3, ge=2, le=1_000)
    """Proxies of each replicated mix, with the same seeds for all of them: what noise is measured from."""
    replicated: int = Field(2, ge=0, le=1_000)
    """Mixes that are replicated beside natural. What a seed does to all mixes alike is not noise in their
    difference."""
    flatten: float = Field(0.5, gt=0, le=1)
    """Power of the natural shares that makes the Dirichlets' centre; 1 is natural itself."""
    concentration: tuple[Concentration, Concentration] = (1.5, 15.0)
    """Range, drawn log-uniformly, of the Dirichlets' total concentration."""
    min_weight: float = Field(0.01, ge=0, lt=0.5)
    """Smaller weights become zero."""
    max_epochs: float = Field(4.0, gt=0, le=1_000)
    """Most times that a proxy may repeat a domain's tokens."""
    min_distance: float = Field(0.05, ge=0, lt=1)
    """Least distance between two mixes: half the sum of absolute differences."""
    match_repetition: bool = False
    """Whether proxies read only a part of each domain, so small that a weight means as many epochs of it as at
    `recommend.budget` (arXiv 2606.07597); `max_epochs` is then those of the training run."""

    @model_validator(mode="after")
    def _check(self) -> "SwarmSettings":
        low, high = self.concentration
        if low > high:
            raise ValueError(f"concentration {self.concentration} must be two positive numbers, the smaller one first")
        if self.rounds and self.mixes:
            raise ValueError(f"mixes ({self.mixes}) and rounds ({list(self.rounds)}) both say how many — leave one out")
        if len(self.rounds) > 1 and self.rounds[0] < FIRST:
            raise ValueError(
                f"rounds {list(self.rounds)} begin with too few mixes to fit laws to — draw {FIRST} or more at first"
            )
        least = self.stop.least if self.stop else None
        if least and least > (most := self.mixes or sum(self.rounds) or least):
            raise ValueError(f"stop.least: {least} mixes are more than the {most} that there are to train")
        return self

    def schedule(self, domains: int) -> tuple[int, ...]:
        """The number of candidate mixes in each round, for a pool of `domains` domains. A `stop` may end the rounds
        early."""
        total = self.mixes or self.mixes_a_domain * domains
        if self.rounds or not self.stop:
            return self.rounds or (total,)
        first = min(self.stop.least or max(2 * FIRST, -(-3 * domains // 2)), total)
        step = self.stop.step or max(4, round(total / 8))
        left = total - first
        return (first, *([step] * (left // step)), *([left % step] if left % step else []))

    @property
    def by_scores(self) -> bool:
        """Whether scores decide about later mixes."""
        return self.stop is not None or len(self.rounds) > 1


@dataclass(frozen=True)
class Candidate:
    """One proxy to train: a mix and a seed."""

    mix: str
    weights: Mapping[str, float]
    seed: int
    round: int = 1  # the round that drew the mix; 0 of an earlier run
    run: str | None = None  # id of the earlier run that it stands for; None is a proxy of this swarm


def draw_swarm(
    tokens: Mapping[str, float],
    proxy_tokens: int,
    settings: SwarmSettings,
    seed: int,
    caps: Mapping[str, float] | None = None,
    tries: int = TRIES,
    beside: Sequence[Mapping[str, float]] = (),
) -> list[Candidate]:
    """The swarm's first round, for proxies that train on `proxy_tokens`; tokens: domain → its tokens in the pool.

    All mixes share the first natural proxy's seed: they start alike and read the same documents. `caps`: domain →
    largest weight; without it, what `max_epochs` allows of the tokens. `tries`: candidates drawn for each wanted mix
    before giving up. `beside`: mixes of earlier runs, from which the drawn ones are different too.

    Raises:
        MixError: fewer than two domains, proxies that repeat all of them too often, or caps that leave no room for
            that many different mixes.
    """
    names = sorted(tokens)
    if len(names) < 2:
        raise MixError(f"swarm: {len(names)} domain(s), a mix needs two")
    counts = np.array([tokens[name] for name in names], dtype=float)
    natural = counts / counts.sum()
    if caps is None and proxy_tokens > settings.max_epochs * counts.sum():
        raise MixError(
            f"proxy.tokens: {proxy_tokens:,} tokens repeat the pool's {counts.sum():,.0f} more often than "
            f"{settings.max_epochs:g} times, whatever the mix — train on less, or raise swarm.max_epochs"
        )
    largest = settings.max_epochs * counts / proxy_tokens if caps is None else np.array([caps[name] for name in names])
    mixes = {"natural": natural}
    uniform = np.full(len(names), 1 / len(names))
    if (uniform <= largest).all():
        mixes["uniform"] = uniform
    wanted = settings.schedule(len(names))[0]
    rng, centre = np.random.default_rng(seed), flattened(natural, names, settings.flatten)
    taken = [*mixes.values(), *(np.array([mix[name] for name in names]) for mix in beside)]
    drawn = _different(lambda: _draw(rng, centre, settings), wanted, taken, largest, settings, tries)
    mixes |= {f"mix-{number:03d}": mix for number, mix in enumerate(drawn, len(mixes) - 1)}
    swarm = [Candidate(name, rounded_weights(dict(zip(names, mix, strict=True))), 0) for name, mix in mixes.items()]
    replicated = swarm[: 1 + settings.replicated]  # natural, uniform where it can be had, candidates
    return swarm + [replace(candidate, seed=seed) for candidate in replicated for seed in range(1, settings.seeds)]


def draw_round(
    number: int,
    earlier: Sequence[Candidate],
    optima: np.ndarray,
    natural: Mapping[str, float],
    caps: Mapping[str, float],
    settings: SwarmSettings,
    seed: int,
) -> list[Candidate]:
    """The mixes of round `number` (from 2), different from each other and from those of `earlier` rounds.

    optima (n, n_domains), in order of the domains' names: the mixes that may be best. Each is taken in turn and the
    new mix drawn around it; the share `explore` is drawn as in the first round. caps: domain → largest weight.

    Raises:
        MixError: the caps leave no room for that many different mixes.
    """
    names = sorted(natural)
    largest, shares = (np.array([of[name] for name in names]) for of in (caps, natural))
    taken = [np.array([candidate.weights[name] for name in names]) for candidate in earlier]
    rng, centre = np.random.default_rng([seed, number]), flattened(shares, names, settings.flatten)
    wanted = settings.schedule(len(names))[number - 1]
    explored = round(settings.explore * wanted)
    turns = cycle(optima)

    def anywhere() -> np.ndarray:
        return _draw(rng, centre, settings)

    def near_an_optimum() -> np.ndarray:
        return _trimmed(rng.dirichlet(AROUND * next(turns) + LEAST), settings)

    drawn: list[np.ndarray] = []
    for draw, count in ((anywhere, explored), (near_an_optimum, wanted - explored)):
        drawn += _telling(draw, count, taken + drawn, optima, largest, settings)
    numbered = [candidate.mix for candidate in earlier if candidate.mix.startswith("mix-")]
    first = 1 + max(int(name.removeprefix("mix-")) for name in numbered)
    return [
        Candidate(f"mix-{i:03d}", rounded_weights(dict(zip(names, mix, strict=True))), 0, number)
        for i, mix in enumerate(drawn, first)
    ]


def _telling(
    draw: Callable[[], np.ndarray], count: int, taken: list[np.ndarray], optima: np.ndarray, largest: np.ndarray,
    settings: SwarmSettings,
) -> list[np.ndarray]:  # fmt: skip
    """`count` mixes of `draw` that tell likely optima apart best, out of OFFERED times as many where there is room."""
    try:
        offered = _different(draw, OFFERED * count, taken, largest, settings, TRIES // OFFERED)
    except MixError:
        return _different(draw, count, taken, largest, settings)
    return [offered[i] for i in most_telling(np.array(offered), np.array(taken), count, optima)] if count else []


def _different(
    draw: Callable[[], np.ndarray],
    wanted: int,
    taken: list[np.ndarray],
    largest: np.ndarray,
    settings: SwarmSettings,
    tries: int = TRIES,
) -> list[np.ndarray]:
    """`wanted` mixes of `draw` within their caps, each far enough from the others and from those `taken`."""
    mixes: list[np.ndarray] = []
    for _ in range(tries * (wanted + len(taken))):
        if len(mixes) == wanted:
            break
        mix = draw()
        if (mix <= largest).all() and _far(mix, taken + mixes, settings.min_distance):
            mixes.append(mix)
    if len(mixes) < wanted:
        budget = ", or recommend.budget" if settings.match_repetition else ""
        raise MixError(
            f"swarm: found {len(mixes)} of {wanted} mixes — raise swarm.max_epochs ({settings.max_epochs}) "
            f"or lower swarm.min_distance ({settings.min_distance}){budget}"
        )
    return mixes


def _far(mix: np.ndarray, others: Sequence[np.ndarray], least: float) -> bool:
    return not others or bool((0.5 * np.abs(mix - np.array(others)).sum(axis=1) >= least).all())


def _draw(rng: np.random.Generator, centre: np.ndarray, settings: SwarmSettings) -> np.ndarray:
    low, high = np.log(settings.concentration)
    mix = _trimmed(rng.dirichlet(centre * np.exp(rng.uniform(low, high))), settings)
    return mix if mix.sum() else centre


def _trimmed(mix: np.ndarray, settings: SwarmSettings) -> np.ndarray:
    """The mix without weights that are too small."""
    mix = np.where(mix < settings.min_weight, 0, mix)
    return mix / mix.sum() if mix.sum() else mix


def rounded_weights(mix: Mapping[str, float]) -> dict[str, float]:
    """Rounded weights that still sum to one: the largest takes what rounding left."""
    rounded = np.round(list(mix.values()), DIGITS)
    rounded[rounded.argmax()] += 1 - rounded.sum()
    return {name: float(round(weight, DIGITS)) for name, weight in zip(mix, rounded, strict=True)}
