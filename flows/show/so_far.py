"""The recommendation so far, as three lines."""

from mixes.recommendation.result import Recommendation
from mixes.show.recommendation import regret_words
from mixes.target import OVERALL

NAMED = 4  # domains that are named
VERDICTS = {
    "better": "better than natural",
    "not_distinguishable": "not distinguishable from natural yet",
    "worse": "worse than natural",
}


def so_far_lines(recommendation: Recommendation, scored: int, mixes: int, coverage: float) -> list[str]:
    """The largest weights, what they are predicted to gain, and what may be missed.

    scored: mixes with scores, of all `mixes` of the swarm; coverage: of the intervals.
    """
    ranked = sorted(recommendation.mix.items(), key=lambda pair: -pair[1])
    weights = [_weight(recommendation, domain) for domain, _ in ranked[:NAMED]]
    if others := ranked[NAMED:]:
        weights.append(f"{len(others)} other{'s' * (len(others) > 1)} {_percent(sum(weight for _, weight in others))}")
    target, standardised = recommendation.predicted[OVERALL], recommendation.standardised
    unit = "bpb" if standardised is None else f"× {standardised}"
    verdict = VERDICTS[recommendation.verdict[OVERALL]]
    return [
        f"{scored} of {mixes} mixes scored; best so far, with {_percent(coverage)} intervals: {', '.join(weights)}",
        f"predicted gain over natural on the target: {target.gain:+.3f} {unit} "
        f"({target.gain_low:+.3f} – {target.gain_high:+.3f}), {verdict}",
        f"regret still to be expected: {regret_words(recommendation, unit)}",
    ]


def _weight(recommendation: Recommendation, domain: str) -> str:
    low, high = recommendation.intervals[domain]
    return f"{domain} {_percent(recommendation.mix[domain])} ({100 * low:.0f} – {100 * high:.0f})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
