"""The mixes beside a recommendation: a table, and what they say in words."""

from mixes.recommendation.result import ONE_CAP, Beside, Recommendation
from mixes.show.verdict import verdict_word
from mixes.target import OVERALL

NAMED = 3  # weights of a mix that are named …
MOST_CAPPED = 4  # … and of capped domains among them


def beside_table(recommendation: Recommendation) -> list[list[str]]:
    """A head, and one row per mix; intervals in brackets."""
    rows = [["mix", f"gain over {recommendation.reference}", "recommended gains", "recommended is"]]
    for row in recommendation.beside:
        rows.append(
            [
                called(recommendation, row),
                f"{signed(row.gain)} ({signed(row.gain_low)} – {signed(row.gain_high)})",
                f"{signed(row.behind)} ({signed(row.behind_low)} – {signed(row.behind_high)})",
                verdict_word(row.verdict, row.behind_low, row.behind_high),
            ]
        )  # fmt: skip
    return rows


def called(recommendation: Recommendation, row: Beside) -> str:
    """A row's name, what it is counted from where that is another mix, and a mark where it breaks the limits."""
    name = row.name if row.against == recommendation.reference else f"{row.name} over {row.against}"
    return name if row.allowed else f"{name} *"


def beside_words(recommendation: Recommendation, unit: str) -> list[str]:
    """What the caps cost, and whether the laws can tell the best mix from the worst."""
    lines = []
    if any(not row.allowed for row in recommendation.beside):
        lines.append("* breaks the limits.")
    lines += [line] if (line := caps_words(recommendation, unit)) else []
    worst = next((row for row in recommendation.beside if row.kind == "worst"), None)
    if worst and worst.verdict == "better":
        lines.append(
            f"The worst mix within the limits is predicted to be {worst.behind:.3f} {unit} worse than the recommended "
            f"one ({worst.behind_low:.3f} to {worst.behind_high:.3f}), so the laws can tell the two apart."
        )
    elif worst and recommendation.verdict[OVERALL] == "better":
        lines.append(
            "How bad the worst mix within the limits is cannot be told: it lies too far from the mixes that were tried."
        )
    elif worst:
        lines.append(
            "By these laws the best mix within the limits cannot be told from the worst one: this swarm says nothing "
            "about the target."
        )
    return lines


def caps_words(recommendation: Recommendation, unit: str) -> str:
    """What all caps cost, and what lifting each of them alone brings; empty where no cap binds."""
    without = {row.kind: row for row in recommendation.beside}.get("uncapped")
    if without is None:
        return ""
    weights = _moved(recommendation, without)
    line = f"The caps cost {-without.behind:.3f} {unit}: without them the best mix would have {weights}."
    alone = [row for row in recommendation.beside if row.kind == "one_cap"]
    each = [f"the cap on {row.name.removeprefix(ONE_CAP)} brings {-row.behind:.3f} {unit}" for row in alone]
    return f"{line} Lifting only {', only '.join(each)}." if each else line


def _moved(recommendation: Recommendation, other: Beside) -> str:
    """The capped weights without their caps, then those that differ most besides."""
    change = {name: weight - recommendation.mix[name] for name, weight in other.mix.items()}
    ranked = sorted(change, key=lambda name: (name not in recommendation.caps, -abs(change[name])))
    capped = sum(name in recommendation.caps for name in ranked)
    named = ranked[: max(NAMED, min(capped, MOST_CAPPED) + 1)]
    return ", ".join(f"{name} {share(other.mix[name])} (now {share(recommendation.mix[name])})" for name in named)


def signed(value: float) -> str:
    """Three decimals with a sign; zero has none."""
    text = f"{value:+.3f}"
    return text[1:] if float(text) == 0 else text


def share(weight: float) -> str:
    """A share in percent; two decimals where one would leave a single digit or none."""
    return f"{weight:.2%}" if 0 < weight < 0.01 else f"{weight:.1%}"
