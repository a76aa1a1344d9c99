"""A verdict in a word or two, which names the rule behind it."""

from mixes.certainty.verdict import Call, Verdict, call_of

WORDS: dict[Call, str] = {
    "better": "better", "worse": "worse", "little_better": "better by less than noise",
    "little_worse": "worse by less than noise", "not_distinguishable": "not distinguishable",
}  # fmt: skip


def verdict_word(verdict: Verdict, low: float, high: float) -> str:
    """What a verdict on a gain is called, whose interval runs from `low` to `high`."""
    return WORDS[call_of(verdict, low, high)]
