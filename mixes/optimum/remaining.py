"""The mix for the rest of a training run that has already seen tokens of another mix."""

from collections.abc import Mapping


def remaining_mix(wanted: Mapping[str, float], budget: float, seen: Mapping[str, float]) -> dict[str, float] | None:
    """Domain → share of the tokens that are left, which brings the whole run closest to the wanted mix.

    A domain of which the run has seen more than its whole share gets nothing more, and the others share what is left in
    proportion to what they lack: the largest total variation that can be taken back is.

    Args:
        wanted: domain → share of the whole run; they sum to 1.
        budget: tokens of the whole run.
        seen: domain → tokens seen; domains that `wanted` does not know are spent.

    Returns:
        The shares, which sum to 1; None where nothing is left of the budget.

    Example:
        remaining_mix({"code": 0.5, "web": 0.5}, 100, {"web": 40})  # {"code": 0.833…, "web": 0.166…}
    """
    lacking = {name: max(0.0, budget * weight - seen.get(name, 0.0)) for name, weight in wanted.items()}
    total = sum(lacking.values())
    if budget <= sum(seen.values()) or not total:
        return None
    return {name: tokens / total for name, tokens in lacking.items()}
