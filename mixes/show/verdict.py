"""A verdict in a word or two, which names the rule behind it."""

from mixes.certainty.verdict import Verdict

NOT_TOLD_APART = "not distinguishable"


def verdict_word(verdict: Verdict, low: float, high: float) -> str:
    """`better` or `worse`, and whether that is by less than noise; `not distinguishable` if the interval of the gain,
    from `low` to `high`, includes zero."""
    if verdict != "not_distinguishable":
        return verdict
    side = "better" if low > 0 else "worse" if high < 0 else ""
    return f"{side} by less than noise" if side else NOT_TOLD_APART
