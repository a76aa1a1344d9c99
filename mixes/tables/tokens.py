"""Available tokens by domain, checked."""

import re
from collections.abc import Iterable, Mapping

from mixes.budget import UNITS
from mixes.errors import MixError, cut_short

MOST_TOKENS = 1e21  # of one domain (assumed: a million times the largest corpus)
WRITTEN = re.compile(  # commas only where they part thousands: 1,5 may be a decimal comma
    r"(?P<digits>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9][0-9_]{0,30}(?:\.[0-9]{1,30})?(?:e\+?[0-9]{1,2})?)"
    r"\s*(?P<unit>[KMBT])?(?:\s*tokens)?",
    re.IGNORECASE,
)


def counted_tokens(where: str, rows: Iterable[tuple[object, object]]) -> dict[str, float]:
    """Domain → tokens, of rows (domain, tokens); where: what messages call them.

    Raises:
        MixError: there are none, a domain appears twice, or a count is no positive number.
    """
    tokens: dict[str, float] = {}
    for number, (domain, count) in enumerate(rows, 1):
        if str(domain) in tokens:
            raise MixError(f"{where}: row {number}: domain {str(domain)!r} appears twice")
        value = _number(count)
        if value is None or not 0 < value <= MOST_TOKENS:
            shown = repr(count) if isinstance(count, int | float) else cut_short(count)
            raise MixError(
                f"{where}: row {number}: tokens of {domain!r} are {shown}, not a positive number up to "
                f"{MOST_TOKENS:g} — write for example 3T, 1.5e12 or 1_000_000"
            )
        tokens[str(domain)] = value
    if not tokens:
        raise MixError(f"{where}: holds no rows")
    return tokens


def _number(count: object) -> float | None:
    """A count as a number or as text, such as `3T`, `1_000_000`, `1,000,000`, `1.5e12`; None for anything else."""
    if isinstance(count, bool):
        return None
    if isinstance(count, int | float):
        return float(count) if abs(count) <= MOST_TOKENS else None
    match = WRITTEN.fullmatch(count.strip()) if isinstance(count, str) else None
    if match is None:
        return None
    digits = match["digits"].replace("_", "").replace(",", "")
    return float(digits) * UNITS[(match["unit"] or "").upper()]


def natural_mix(tokens: Mapping[str, float]) -> dict[str, float]:
    """Domain → its share of all tokens."""
    total = sum(tokens.values())
    return {domain: count / total for domain, count in tokens.items()}
