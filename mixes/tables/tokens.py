"""Available tokens by domain, checked."""

from collections.abc import Iterable, Mapping

from mixes.errors import MixError

MOST_TOKENS = 1e21  # of one domain (assumed: a million times the largest corpus)


def counted_tokens(where: str, rows: Iterable[tuple[object, object]]) -> dict[str, float]:
    """Domain → tokens, of rows (domain, tokens); where: what messages call them.

    Raises:
        MixError: there are none, a domain appears twice, or a count is no positive number.
    """
    tokens: dict[str, float] = {}
    for number, (domain, count) in enumerate(rows, 1):
        if str(domain) in tokens:
            raise MixError(f"{where}: row {number}: domain {str(domain)!r} appears twice")
        if isinstance(count, bool) or not isinstance(count, int | float) or not 0 < count <= MOST_TOKENS:
            raise MixError(
                f"{where}: row {number}: tokens of {domain!r} are {count!r}, not a positive number up to "
                f"{MOST_TOKENS:g}"
            )
        tokens[str(domain)] = float(count)
    if not tokens:
        raise MixError(f"{where}: holds no rows")
    return tokens


def natural_mix(tokens: Mapping[str, float]) -> dict[str, float]:
    """Domain → its share of all tokens."""
    total = sum(tokens.values())
    return {domain: count / total for domain, count in tokens.items()}
