"""Mixes of the user's own, with which a recommendation is compared."""

from collections.abc import Mapping, Sequence

from mixes.errors import MixError, did_you_mean
from mixes.quality_parts import spread


def compared_over(
    domains: Sequence[str], compare: Mapping[str, Mapping[str, float]], natural: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Name → the mix over all of `domains`: zero where it names none, and a whole domain's weight on its parts.

    Raises:
        MixError: a mix names a domain that is not there.
    """
    mixes = {name: spread(mix, domains, natural) for name, mix in compare.items()}
    for name, mix in mixes.items():
        for domain in sorted(set(mix) - set(domains)):
            raise MixError(f"mix {name!r}: no domain {domain!r} — {did_you_mean(domain, domains)}")
    return {name: {**dict.fromkeys(domains, 0.0), **mix} for name, mix in mixes.items()}
