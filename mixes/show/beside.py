"""The mixes beside a recommendation: a table, and what they say in words."""

from mixes.recommendation.result import ONE_CAP, Beside, Recommendation

AGAINST = {"better": "better", "not_distinguishable": "not distinguishable", "worse": "worse"}
NAMED = 3  # weights of a mix that are named


def beside_table(recommendation: Recommendation) -> list[list[str]]:
    """A head, and one row per mix; intervals in brackets."""
    rows = [["mix", f"gain over {recommendation.reference}", "recommended gains", "recommended is"]]
    for row in recommendation.beside:
        rows.append(
            [
                called(recommendation, row),
                f"{signed(row.gain)} ({signed(row.gain_low)} – {signed(row.gain_high)})",
                f"{signed(row.behind)} ({signed(row.behind_low)} – {signed(row.behind_high)})", AGAINST[row.verdict],
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
    without = {row.kind: row for row in recommendation.beside}.get("uncapped")
    if without:
        alone = [row for row in recommendation.beside if row.kind == "one_cap"]
        each = "".join(
            f"; lifting only that on {row.name.removeprefix(ONE_CAP)} brings {-row.behind:.3f} {unit}" for row in alone
        )
        weights = _moved(recommendation, without)
        lines.append(
            f"The caps cost {-without.behind:.3f} {unit}: without them the best mix would have {weights}{each}."
        )
    worst = next((row for row in recommendation.beside if row.kind == "worst"), None)
    if worst and worst.verdict == "better":
        lines.append(
            f"The worst mix within the limits is predicted to be {worst.behind:.3f} {unit} worse than the recommended "
            f"one ({worst.behind_low:.3f} to {worst.behind_high:.3f}), so the laws can tell the two apart."
        )
    elif worst:
        lines.append(
            "By these laws the best mix within the limits cannot be told from the worst one: this swarm says nothing "
            "about the target."
        )
    return lines


def _moved(recommendation: Recommendation, other: Beside) -> str:
    """The weights that differ most."""
    change = {name: weight - recommendation.mix[name] for name, weight in other.mix.items()}
    largest = sorted(change, key=lambda name: -abs(change[name]))[:NAMED]
    return ", ".join(f"{name} {share(other.mix[name])} (now {share(recommendation.mix[name])})" for name in largest)


def signed(value: float) -> str:
    """Three decimals with a sign; zero has none."""
    text = f"{value:+.3f}"
    return text[1:] if float(text) == 0 else text


def share(weight: float) -> str:
    """A share in percent; two decimals where one would leave a single digit or none."""
    return f"{weight:.2%}" if 0 < weight < 0.01 else f"{weight:.1%}"
