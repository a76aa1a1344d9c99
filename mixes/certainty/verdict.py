"""The verdict: whether a mix is better than natural, and on what, in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from mixes.target import OVERALL

if TYPE_CHECKING:  # results are read where no solver is needed
    from mixes.certainty.intervals import Gain

MOST_NAMED = 6  # families that a sentence names
Verdict = Literal["better", "not_distinguishable", "worse"]
Call = Literal[Verdict, "little_better", "little_worse"]
ON: dict[Call, str] = {
    "better": "better on", "worse": "worse on", "little_better": "better by less than noise on",
    "little_worse": "worse by less than noise on", "not_distinguishable": "too close to tell on",
}  # fmt: skip


def verdict_of(gain: "Gain", noise: float) -> Verdict:
    """`better` or `worse` only where the interval excludes zero and the gain exceeds the noise of a difference between
    two proxies (`Noise.difference`). Training both would not show a smaller gain."""
    if gain.low > 0 and gain.value > noise:
        return "better"
    if gain.high < 0 and -gain.value > noise:
        return "worse"
    return "not_distinguishable"


def verdict_words(
    gains: "Mapping[str, Gain]",
    verdicts: Mapping[str, Verdict],
    reference: str = "natural",
    extrapolates: bool = False,
    excluded: bool = False,
) -> str:
    """The verdict on the target in a sentence that says what to do, then family by family in another.

    Args:
        gains: of at least the names in `verdicts`.
        verdicts: of OVERALL and the families.
        reference: what the mix is compared with.
        extrapolates: whether the mix lies outside the mixes that were tried.
        excluded: whether a mix that the limits exclude is predicted to be measurably better.
    """
    verdict, chance = verdicts[OVERALL], f"{_chance(gains[OVERALL], verdicts[OVERALL])}, if the laws hold"
    sentences = {
        "better": f"This mix is predicted to be better than {reference} on the target ({chance}).",
        "not_distinguishable": f"No mix within the limits is measurably better than {reference} on the target: there "
        "is no reason to change what you have.",
        "worse": f"This mix is predicted to be worse than {reference} on the target ({chance}), because the limits "
        "leave nothing better: loosen them.",
    }
    gain = gains[OVERALL]
    if verdict == "not_distinguishable" and (gain.low > 0 or gain.high < 0):
        word = "better" if gain.low > 0 else "worse"
        sentences[verdict] = (
            f"This mix is probably a little {word} than {reference} on the target, but by less than two proxies of "
            "equally good mixes differ by chance: training both might not show it, so there is little reason to change."
        )
    words = [sentences[verdict]]
    if excluded and verdict != "better":
        words.append("Other mixes are predicted to be better, such as the uniform one, but the limits exclude them.")
    if clauses := [clause for kind in ON if (clause := _families(gains, verdicts, kind))]:
        words.append(f"By family it is {', '.join(clauses)}.")
    if extrapolates and verdict == "better":
        words.append("It lies outside the mixes that were tried, so train proxies on it before you rely on it.")
    return " ".join(words)


def call_of(verdict: Verdict, low: float, high: float) -> Call:
    """The verdict, and where it is not distinguishable whether the interval from `low` to `high` excludes zero all the
    same: then the gain is only smaller than noise."""
    if verdict != "not_distinguishable" or low <= 0 <= high:
        return verdict
    return "little_better" if low > 0 else "little_worse"


def _families(gains: "Mapping[str, Gain]", verdicts: Mapping[str, Verdict], kind: Call) -> str:
    """A clause on the families of one call: "better on code and math (chance over 99 % each)"."""
    names = [
        name for name in verdicts
        if name != OVERALL and call_of(verdicts[name], gains[name].low, gains[name].high) == kind
    ]  # fmt: skip
    if not names:
        return ""
    if kind not in ("better", "worse"):
        return f"{ON[kind]} {_listed(names)}"
    chances = [_chance(gains[name], kind) for name in names]
    if len(set(chances)) == 1:
        return f"{ON[kind]} {_listed(names)} ({chances[0]}{' each' if len(names) > 1 else ''})"
    return f"{ON[kind]} {_listed([f'{name} ({chance})' for name, chance in zip(names, chances, strict=True)])}"


def _chance(gain: "Gain", verdict: Call) -> str:
    """How likely it is that a mix that is called better is better, or one that is called worse is worse."""
    chance = 1 - gain.chance if verdict == "worse" else gain.chance
    return f"chance {'over 99' if chance > 0.99 else format(100 * chance, '.0f')} %"


def _listed(names: list[str]) -> str:
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} more"]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
