"""Mixes to try, drawn in a program for proxies that are trained elsewhere."""

from typing import Any

import polars as pl
from pydantic import ValidationError

from mixes.budget import budget_tokens
from mixes.errors import MixError, first_mistake
from mixes.swarm import Candidate, SwarmSettings
from mixes.swarm import draw_swarm as draw_candidates
from mixes.tables.given import given_tokens

TRIES = 50  # candidates drawn for each wanted mix before they may lie closer together
CLOSEST = 1e-4  # distance of two mixes below which no more room is made


def draw_swarm(
    tokens: Any,
    *,
    mixes: int,
    proxy_tokens: str | float | None = None,
    max_epochs: float = 4.0,
    seed: int = 0,
    seeds: int = 3,
    replicated: int = 2,
    **settings: Any,
) -> pl.DataFrame:
    """The mixes of a swarm: natural, uniform, and candidates from Dirichlets around the natural mix.

    Args:
        tokens: domain → available tokens: a mapping, a data frame or file of domain,tokens.
        mixes: how many candidates, beside natural and uniform.
        proxy_tokens: tokens that one proxy trains on, as a number or "3B"; with it, no mix repeats a domain more often
            than `max_epochs` times. None: no mix is refused for that.
        max_epochs: most times that a proxy may repeat a domain's tokens.
        seed: of the draw.
        seeds: proxies of natural and of each replicated mix; noise is measured from them.
        replicated: how many mixes are replicated beside natural.
        settings: other fields of the `swarm:` section, such as `min_weight` or `concentration`.

    Returns:
        One row per proxy to train: `run` (its name), `mix`, `seed`, and each domain's weight. Written as a
        CSV file it is the `ratios` of `read_swarm`.

    Raises:
        MixError: fewer than two domains, a wrong setting, or limits that leave no room for that many mixes.

    Example:
        mixes.draw_swarm(tokens={"web": 3e12, "code": 4e11}, mixes=64, seed=0).write_csv("ratios.csv")
    """
    given = {"mixes": mixes, "max_epochs": max_epochs, "seeds": seeds, "replicated": replicated, **settings}
    available = given_tokens(tokens)
    if available is None:
        raise MixError("tokens: is None — give domain → tokens")
    try:
        checked = SwarmSettings.model_validate(given)
    except ValidationError as error:
        raise MixError(f"draw_swarm: {first_mistake(error, SwarmSettings)}") from None
    caps = dict.fromkeys(available, 1.0) if proxy_tokens is None else None
    trained = 0 if proxy_tokens is None else int(budget_tokens(str(proxy_tokens), {}))
    candidates = _drawn(available, trained, checked, seed, caps, "min_distance" in settings)
    return pl.DataFrame(
        [
            {
                "run": f"{candidate.mix}-{candidate.seed}",
                "mix": candidate.mix,
                "seed": candidate.seed,
                **candidate.weights,
            }
            for candidate in candidates
        ]
    )


def _drawn(
    tokens: dict[str, float],
    trained: int,
    settings: SwarmSettings,
    seed: int,
    caps: dict[str, float] | None,
    fixed: bool,
) -> list[Candidate]:
    """The candidates. If that many mixes do not fit at the distance, as with few domains, the distance is halved until
    they do, unless the caller has `fixed` it."""
    while True:
        try:
            return draw_candidates(tokens, trained, settings, seed, caps, TRIES)
        except MixError:
            if fixed or settings.min_distance < CLOSEST:
                raise
        settings = settings.model_copy(update={"min_distance": settings.min_distance / 2})
