"""The swarm as parallel coordinates: one row per domain, one line per mix, so that names stay readable."""

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section
from flows.report.marks import PHONE, ROW, colours, data, fitted, rows_axis, striped
from flows.report.theme import FAINT, NATURAL, RECOMMENDED, UNIFORM

MOST_DOMAINS, MOST_LINES, MOST_BEST = 80, 120, 10
BEST = 0.1  # share of the mixes, those with the best scores, that are coloured


def swarm(findings: Findings) -> Section:
    """One figure."""
    count = len(findings.problem.tried)
    best = max(1, min(MOST_BEST, round(BEST * count)))
    drawn = f", of which {MOST_LINES} are drawn" if count > MOST_LINES else ""
    note = (
        f"One line per mix: its share of each domain. {count} mixes were tried{drawn}. Where no line reaches a "
        "recommended weight, that weight was never tried."
    )
    title = "Which mixes were tried, and which scored best on the target?"
    return Section("swarm", "The swarm", [Figure("swarm", title, lambda width: _chart(findings, best, width), note)])


def _chart(findings: Findings, best: int, width: int) -> altair.LayerChart:
    tried, scores = findings.problem.tried, findings.on_target.observed
    order = np.argsort(scores, kind="stable")
    others = order[best:]
    every = max(1, -(-len(others) // (MOST_LINES - best)))
    ranked = sorted(range(len(findings.domains)), key=lambda i: -findings.mix[i])[:MOST_DOMAINS]
    names = [shown(findings.domains[i]) for i in ranked]
    series = {
        "tried": FAINT, f"the {best} that scored best": UNIFORM, findings.reference: NATURAL,
        "recommended": RECOMMENDED,
    }  # fmt: skip
    kinds = list(series)

    def line(key: str, kind: str, weights: np.ndarray) -> list[dict]:
        return [
            {"line": key, "series": kind, "name": name, "at": number, "value": round(float(weights[i]), 4)}
            for number, (i, name) in enumerate(zip(ranked, names, strict=True))
        ]

    tips = lambda rows: [{**row, "tip": f"{row['series']}: {row['name']} {row['value']:.1%}"} for row in rows]  # noqa: E731
    plain = [row for i in others[::every] for row in line(f"m{i}", kinds[0], tried[i])]
    good = [row for i in order[:best] for row in line(f"m{i}", kinds[1], tried[i])]
    marked = tips(line("natural", kinds[2], findings.problem.reference) + line("mix", kinds[3], findings.mix))
    y = rows_axis(names, width)
    x = altair.X("value:Q", title="share of tokens", axis=altair.Axis(format=".0%", tickCount=5))
    colour = colours(kinds, list(series.values()), columns=2 if width < PHONE else 4)

    def drawn(rows: list[dict], thick: float, opacity: float) -> altair.Chart:
        return (
            altair.Chart(data(rows))
            .mark_line(aria=False, strokeWidth=thick, opacity=opacity)
            .encode(x=x, y=y, detail="line:N", order="at:Q", color=colour)
        )

    points = altair.Chart(data(marked)).mark_point(filled=True, size=36, opacity=1)
    return fitted(
        altair.layer(
            striped(names, width), drawn(plain, 0.6, 0.45), drawn(good, 1.2, 0.8), drawn(marked, 2.4, 1.0),
            points.encode(x=x, y=y, color=colour, description="tip:N"),
        ),
        width, altair.Step(ROW),
    )  # fmt: skip
