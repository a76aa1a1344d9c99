"""A small swarm beside earlier runs: mixes of today's domains, and a few earlier mixes trained once more.

Runs over another pool read other documents in another order, so they are runs of other seeds, whatever their seeds'
numbers: all of them may lie a little higher or lower than today's. As none of them read a domain that is new, a law
would take that difference for what the new domain does. Earlier mixes that are trained again with today's seed measure
it, as replicates do within a swarm (mixes/certainty/seeds.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mixes.errors import MixError
from mixes.swarm import TRIES, Candidate, SwarmSettings, draw_swarm
from mixes.telling import most_telling

APART = 1_000_000  # from an earlier pool's seeds to the next one's; a swarm's own are below 1,000
OFFERED = 8  # mixes that are drawn for each that is chosen (measured: 3 do nearly as well, 1 leaves domains out)
LEAST_MIXES = 3  # drawn where no domain is new
Mix = tuple[tuple[str, float], ...]  # (domain, weight) in order of the domains


def mixes_beside(settings: SwarmSettings, new: int) -> int:
    """Mixes to draw where `new` domains are in no earlier run: as many as a swarm over these, and one for the rest.

    Where three domains joined fourteen, five to seven new mixes reached nine tenths of the gain (measured:
    benchmarks/reuse.py); the rest is for domains that are harder to tell.
    """
    return settings.mixes or max(LEAST_MIXES, settings.mixes_a_domain * (new + 1))


def draw_beside(
    tokens: Mapping[str, float],
    proxy_tokens: int,
    settings: SwarmSettings,
    seed: int,
    earlier: Sequence[Candidate],
    caps: Mapping[str, float] | None = None,
) -> list[Candidate]:
    """The new proxies, and after them the earlier runs; for the other arguments see `draw_swarm`.

    earlier: runs over today's domains; `number_seeds` gave them their seeds. A mix of theirs that is drawn again bears
    today's name.

    Raises:
        MixError: as `draw_swarm`.
    """
    read = {name for candidate in earlier for name, weight in candidate.weights.items() if weight}
    count = mixes_beside(settings, len(set(tokens) - read))
    mixes = [dict(mix) for mix in dict.fromkeys(map(mix_of, earlier))]
    drawn = _draw(tokens, proxy_tokens, settings, seed, caps, mixes, count)
    names = {mix_of(candidate): candidate.mix for candidate in drawn}
    kept = [replace(candidate, mix=names.get(mix_of(candidate), candidate.mix)) for candidate in earlier]
    if len({candidate.mix for candidate in kept}) < len(kept):  # earlier replicates tell the noise
        drawn = [candidate for candidate in drawn if candidate.seed == 0]
    largest = caps or {name: settings.max_epochs * count / proxy_tokens for name, count in tokens.items()}
    links = _links(drawn, kept, 1 + settings.replicated, largest)
    return [*drawn, *links, *kept]


def _draw(
    tokens: Mapping[str, float],
    proxy_tokens: int,
    settings: SwarmSettings,
    seed: int,
    caps: Mapping[str, float] | None,
    beside: Sequence[Mapping[str, float]],
    count: int,
) -> list[Candidate]:
    """A swarm of `count` mixes that tell most beside others, out of OFFERED times as many where the caps leave room."""

    def draw(many: int) -> list[Candidate]:
        wanted = settings.model_copy(update={"mixes": many * count})
        return draw_swarm(tokens, proxy_tokens, wanted, seed, caps, TRIES // many, beside)

    try:
        swarm = draw(OFFERED)
    except MixError:
        return draw(1)
    offered = {candidate.mix: candidate.weights for candidate in swarm if candidate.mix.startswith("mix-")}
    known = [*beside, *(candidate.weights for candidate in swarm if candidate.mix not in offered)]
    domains = sorted(tokens)
    rows, tried = (np.array([[mix[name] for name in domains] for mix in mixes]) for mixes in (offered.values(), known))
    telling = [list(offered)[i] for i in most_telling(rows, tried, count)]
    names = {name: f"mix-{number:03d}" for number, name in enumerate(telling, 1)}
    plain = [candidate for candidate in swarm if candidate.mix not in offered]
    first = next(candidate for candidate in swarm if candidate.mix in offered)
    new = [replace(first, mix=names[name], weights=offered[name], seed=0) for name in telling]
    replicated = [one for one in [*plain, *new] if one.seed == 0][: 1 + settings.replicated]
    again = [replace(one, seed=number) for one in replicated for number in range(1, settings.seeds)]
    return [*(one for one in plain if one.seed == 0), *new, *again]


def mix_of(candidate: Candidate) -> Mix:
    """Its weights, as what tells mixes apart."""
    return tuple(sorted(candidate.weights.items()))


def number_seeds(pools: Iterable[str], today: str) -> dict[str, int]:
    """Pool → what is added to the seeds of its runs; nothing to those of today's pool."""
    others = sorted(set(pools) - {today})
    return {today: 0, **{pool: number * APART for number, pool in enumerate(others, 1)}}


def _links(
    drawn: Sequence[Candidate], kept: Sequence[Candidate], count: int, caps: Mapping[str, float]
) -> list[Candidate]:
    """Earlier mixes to train with today's seed, `count` for each pool that no mix links to today's."""
    every = [*drawn, *kept]
    linked, links = _linked({0}, every), []
    for pool in sorted({_pool(candidate) for candidate in kept}):
        if pool in linked:
            continue
        runs = [candidate for candidate in kept if _pool(candidate) == pool]
        mixes = {mix_of(candidate): candidate for candidate in runs if _within(candidate.weights, caps)}
        most = sorted(mixes, key=lambda mix: (-sum(mix_of(run) == mix for run in runs), mixes[mix].mix))[:count]
        links += [replace(mixes[mix], seed=0, round=1, run=None) for mix in most]
        linked = _linked(linked | {pool}, every)
    return links


def _linked(pools: set[int], candidates: Sequence[Candidate]) -> set[int]:
    """The pools, and those that a chain of mixes links to them."""
    by_mix: dict[str, set[int]] = {}
    for candidate in candidates:
        by_mix.setdefault(candidate.mix, set()).add(_pool(candidate))
    while more := {pool for of_mix in by_mix.values() if of_mix & pools for pool in of_mix} - pools:
        pools = pools | more
    return pools


def _pool(candidate: Candidate) -> int:
    """Number of the pool by its seed; 0 is today's."""
    return candidate.seed // APART


def _within(weights: Mapping[str, float], caps: Mapping[str, float]) -> bool:
    return all(weight <= caps[name] for name, weight in weights.items())
