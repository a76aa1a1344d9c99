"""Epoch caps: how much of a domain a mix may ask for at a training budget."""

import re
from collections.abc import Mapping

from mixes.errors import MixError, cut_short

MOST_TOKENS = 1e18  # of a training run (assumed: all text that there is has 1e15)
UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


def parse_tokens(text: str) -> int:
    """`6T`, `300B`, `1.5M`, `6e12`, `1_000_000` or any plain number of tokens.

    Raises:
        MixError: anything else.
    """
    match = re.fullmatch(
        r"([0-9]+(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)\s*([KMBT]?)", text.strip().replace("_", ""), re.IGNORECASE
    )
    tokens = float(match.group(1)) * UNITS[match.group(2).upper()] if match else 0.0
    if not 1 <= tokens <= MOST_TOKENS:
        raise MixError(
            f"budget: {cut_short(text)} is not a number of tokens above 0 — write for example 6T, 300B or 25M"
        )
    return round(tokens)


def budget_tokens(stated: str | None, available: Mapping[str, float]) -> float:
    """Tokens of the training run: as stated (`parse_tokens`), else every available token once."""
    return parse_tokens(stated) if stated else sum(available.values())


def epoch_caps(available: Mapping[str, float], budget: float, max_epochs: float) -> dict[str, float]:
    """Domain → largest weight at which `budget` tokens repeat its `available` tokens at most `max_epochs` times.

    Raises:
        MixError: all domains at their caps do not fill the budget.
    """
    caps = {name: min(1.0, max_epochs * tokens / budget) for name, tokens in available.items()}
    total = max_epochs * sum(available.values())
    if total < budget:
        raise MixError(
            f"budget: {budget:,.0f} tokens cannot be met within {max_epochs:g} epochs of "
            f"{sum(available.values()):,.0f} available tokens — {budget - total:,.0f} are missing; "
            f"lower `budget` to {total:,.0f} "
            f"or raise `max_epochs` to {_readable(budget / sum(available.values()))}"
        )
    return caps


def _readable(number: float) -> str:
    """Three digits, and large numbers without an exponent."""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"
