"""The verdict: whether a mix is better than natural, and on what, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from mixes.target import OVERALL

if TYPE_CHECKING:  # results are read where no solver is needed
    from mixes.certainty.intervals import Gain

MOST_NAMED = 6  # families that a sentence names
Verdict = Literal["better", "not_distinguishable", "worse"]


def verdict_of(gain: "Gain", noise: float) -> Verdict:
    """`better` or `worse` only where the interval excludes zero and the gain exceeds the noise of a difference between
    two proxies (`Noise.difference`). Training both would not show a smaller gain."""
    if gain.low > 0 and gain.value > noise:
        return "better"
    if gain.high < 0 and -gain.value > noise:
        return "worse"
    return "not_distinguishable"


def sentence(gains: "Mapping[str, Gain]", verdicts: Mapping[str, Verdict], reference: str = "natural") -> str:
    """One line on the target, then family by family; the chance in brackets is that of being better, or worse.

    `gains` holds at least the names in `verdicts`, which are OVERALL and the families.
    """
    parts: dict[Verdict, str] = {
        "better": f"better than {reference} on ",
        "not_distinguishable": "not distinguishable on ",
        "worse": "worse on ",
    }
    clauses = []
    for verdict, words in parts.items():
        names = [name for name in verdicts if name != OVERALL and verdicts[name] == verdict]
        if names:
            clauses.append(words + _listed([name + _chance(gains[name], verdict) for name in names]))
    overall = {"better": "better than", "not_distinguishable": "not distinguishable from", "worse": "worse than"}
    first = f"overall {overall[verdicts[OVERALL]]} {reference}{_chance(gains[OVERALL], verdicts[OVERALL])}"
    return first + (f"; {', '.join(clauses)}" if clauses else "")


def _chance(gain: "Gain", verdict: Verdict) -> str:
    if verdict == "not_distinguishable":
        return ""
    chance = gain.chance if verdict == "better" else 1 - gain.chance
    return f" (chance {'over 99' if chance > 0.99 else format(100 * chance, '.0f')} %)"


def _listed(names: list[str]) -> str:
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} more"]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
