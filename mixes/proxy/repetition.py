"""How much of each domain a proxy keeps, so that a weight means as many epochs as in the training run.

A weight w on a domain of A available tokens is w · B / A epochs of it at a budget of B tokens, but only w · P / A in
a proxy that trains on P: what is scarce in the training run still looks fresh in the swarm, so the two have
different best mixes (repetition mismatch, arXiv 2606.07597). Of a part of A · P / B tokens it is w · B / A in
both. A part is whole sequences, so its epochs are off by half a sequence at most: by 1 % where 50 are kept, by a
third in the worst case, where 1.5 would be.

A domain that keeps less than one batch takes of it needs no special care: it would have more epochs than steps.
"""

import math
from collections.abc import Mapping

from mixes.errors import MixError
from mixes.proxy.settings import ProxySettings


def match_repetition(
    available: Mapping[str, float], pool_tokens: Mapping[str, int], budget: float, proxy: ProxySettings
) -> tuple[dict[str, int], list[str]]:
    """Domain → sequences that proxies keep of it; and the domains that still repeat more often in proxies.

    available: domain → tokens that the training run of `budget` tokens can draw on; pool_tokens: domain → tokens of
    the pool. A domain of which more is wanted than the pool holds is kept whole, and is among the latter.

    Raises:
        MixError: less than one sequence would be kept of a domain.
    """
    scarcest = min(available, key=lambda name: available[name])
    if available[scarcest] * proxy.trained < proxy.context * budget:
        raise MixError(_too_short(scarcest, available[scarcest], budget, proxy))
    kept, short = {}, []
    for name, tokens in available.items():
        wanted = tokens * proxy.trained / budget / proxy.context
        sequences = (pool_tokens[name] - 1) // proxy.context  # the last target is no sequence's beginning
        kept[name] = min(round(wanted), sequences)
        if wanted >= sequences + 1:
            short.append(name)
    return kept, short


def _too_short(domain: str, available: float, budget: float, proxy: ProxySettings) -> str:
    step = proxy.batch * proxy.context
    enough = step * math.ceil(proxy.context * budget / (available * step))
    return (
        f"swarm.match_repetition: proxies of {proxy.trained:,} tokens would keep "
        f"{available * proxy.trained / budget:,.0f} of the {available:,.0f} tokens of domain {domain!r}, less than one "
        f"sequence of {proxy.context} — set proxy.tokens to {enough:,} or more, or recommend.budget "
        f"({budget:,.0f}) to {math.floor(available * proxy.trained / proxy.context):,} or less"
    )
