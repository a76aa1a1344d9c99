"""Why: what each domain does for each family, and which changes bring the gain."""

from typing import Any

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section, paragraph
from flows.report.key import LINE, RANGE, Sign, key, keyed_room
from flows.report.marks import LABELS, LETTER, PHONE, ROW, data, fitted, rows_axis, rows_shown, striped, zero_line
from flows.report.theme import BETTER, NATURAL, NONE, ON_COLOUR, WORSE
from flows.report.words import listed, percent, signed
from mixes.optimum.marginal import marginal_values
from mixes.target import OVERALL

MOST_BARS, MOST_COLUMNS = 30, 14
RAISED = 0.005  # share of the tokens by which a domain must rise for its bar to be explained
LABELLED = 40  # pixels of a cell above which it bears its number


def why(findings: Findings) -> Section:
    """The marginal values, then the shares of the gain."""
    unit, gain = findings.unit(OVERALL), findings.recommendation.predicted[OVERALL].gain
    marginal_note = (
        "Each cell: the predicted gain from one more percent of the domain, taken from the others in proportion, at "
        f"the recommended mix, whatever the limits are. In thousandths of {unit}; blue is a gain, orange a loss, pale "
        "is close to nothing. The table of limits states other gains, because there the other weights are chosen anew."
    )
    share_note = (
        f"How much of the predicted gain on the target each domain's change from {findings.reference} brings, in "
        f"{unit}. The bars sum to the gain, {signed(gain)}. Lines are {findings.coverage} intervals."
        f"{_raised_at_a_loss(findings)}{_other_shares(findings)}"
    )
    marginal = Figure(
        "marginal", "What would a little more of each domain do?", lambda width: _heat(findings, width), marginal_note
    )
    importance = Figure(
        "importance", "Which changes bring the gain?", lambda width: _shares(findings, width), share_note
    )
    return Section("why", "Why this mix?", [importance, marginal, *_rest(findings)])


def _raised_at_a_loss(findings: Findings) -> str:
    """Why domains that are raised have bars below zero, where some do."""
    rises, shares = findings.mix - findings.problem.reference > RAISED, findings.gain_shares.shares
    names = [shown(findings.domains[i]) for i in np.argsort(shares, kind="stable") if rises[i] and shares[i] < 0]
    if not names:
        return ""
    one = len(names) == 1
    rest = " The best domains are at their caps, and the tokens of the domains that are lowered must go somewhere."
    rest = rest if findings.recommendation.caps else ""
    return (
        f" {listed(names)} {'is' if one else 'are'} raised, and yet {'its bar is' if one else 'their bars are'} below "
        "zero: a bar compares a domain with the mean of the whole mix, and "
        f"{'it is' if one else 'they are'} worse than that mean.{rest}"
    )


def _other_shares(findings: Findings) -> str:
    """What the domains without a bar bring."""
    shares = findings.gain_shares.shares
    if len(shares) <= MOST_BARS:
        return ""
    rest = shares[np.argsort(-np.abs(shares), kind="stable")[MOST_BARS:]]
    return f" The {len(rest)} domains without a bar bring {signed(float(rest.sum()))} of it."


def _rest(findings: Findings) -> list[str]:
    lines = []
    if (count := rows_shown(len(findings.domains))) < len(findings.domains):
        lines.append(f"Shown are the {count // 2} best and the {count // 2} worst of {len(findings.domains)} domains.")
    if len(findings.families) > MOST_COLUMNS - 1:
        lines.append(f"The {MOST_COLUMNS - 1} families that count most of {len(findings.families)} are shown.")
    return [paragraph(" ".join(lines), "note")] if lines else []


def _heat(findings: Findings, width: int) -> altair.LayerChart:
    problem, thousand = findings.problem, 1000
    aims = [OVERALL, *findings.families][:MOST_COLUMNS]
    values = marginal_values({aim: problem.objective_of(problem.aims[aim]) for aim in aims}, findings.mix)
    gains = -thousand * np.nan_to_num(np.array([values[aim] for aim in aims]))  # (n_aims, n_domains)
    order = np.argsort(-gains[0], kind="stable")
    if (count := rows_shown(len(order))) < len(order):
        order = np.concatenate([order[: count // 2], order[-(count // 2) :]])
    names, columns = [shown(findings.domains[i]) for i in order], [shown(aim) for aim in aims]
    rows = [
        {"name": name, "aim": column, "value": float(gains[a, i]), "text": signed(float(gains[a, i]), 1),
         "tip": f"1 % more {name}: {column} gains {signed(float(gains[a, i]) / thousand, 4)} {findings.unit(aim)}"}
        for i, name in zip(order, names, strict=True)
        for a, (aim, column) in enumerate(zip(aims, columns, strict=True))
    ]  # fmt: skip
    most = float(np.quantile(np.abs(gains), 0.98)) or 1e-9
    scale = altair.Scale(domain=[-most, 0, most], range=["#f2a36b", NONE, "#7cb8e0"], clamp=True, interpolate="rgb")
    angled = max(map(len, columns)) * LETTER > (1 - LABELS) * width / len(columns)
    axis = altair.Axis(
        title=None, orient="top", labelAngle=-90 if angled else 0, labelOverlap=False, domain=False, labelLimit=150
    )
    x = altair.X("aim:N", sort=columns, axis=axis)
    base = altair.Chart(data(rows)).encode(y=rows_axis(names, width), x=x)
    cells = base.mark_rect(stroke="#ffffff", strokeWidth=1).encode(
        color=altair.Color("value:Q", scale=scale, legend=_legend(findings, most, width)), description="tip:N"
    )
    layers = [cells]
    if (width * 0.65) / len(columns) > LABELLED:
        layers.append(base.mark_text(aria=False, color=ON_COLOUR, fontSize=11).encode(text="text:N"))
    return fitted(altair.layer(*layers), width, altair.Step(ROW))


def _legend(findings: Findings, most: float, width: int) -> altair.Legend:
    """What a colour is worth."""
    title = f"gain from 1 percentage point more (0.001 {findings.unit(OVERALL)})"
    short = f"gain from 1 point more (0.001 {findings.unit(OVERALL)})"
    ends = [-most, 0, most]
    return altair.Legend(
        title=title if width > PHONE else short, type="gradient", gradientLength=190, gradientThickness=10,
        values=ends, titleLimit=400,
        labelExpr="datum.value == 0 ? '0' : format(datum.value, '+.1f') + (datum.value < 0 ? ' or less' : ' or more')",
    )  # fmt: skip


def _shares(findings: Findings, width: int) -> altair.LayerChart:
    found = findings.gain_shares
    order = np.argsort(-np.abs(found.shares), kind="stable")
    kept = sorted(order[:MOST_BARS], key=lambda i: -found.shares[i])
    rows = [_share_row(findings, found.shares[i], found.low[i], found.high[i], int(i)) for i in kept]
    names = [row["name"] for row in rows]
    y = rows_axis(names, width)
    title = f"share of the gain ({findings.unit(OVERALL)}; right is better)"
    x = altair.X("value:Q", title=title, axis=altair.Axis(tickCount=5))
    base = altair.Chart(data(rows))
    colour = altair.Color("colour:N", scale=None)
    signs = [Sign("adds to the gain", BETTER, RANGE), Sign("takes from it", WORSE, RANGE)]
    signs = [sign for sign in signs if any(row["colour"] == sign.colour for row in rows)]
    return fitted(
        altair.layer(
            key([*signs, Sign(f"{findings.coverage} interval", NATURAL, LINE)], keyed_room(width)),
            striped(names, width),
            base.mark_bar(height=11, opacity=0.9).encode(y=y, x=x, color=colour, description="tip:N"),
            base
            .mark_rule(aria=False, color=NATURAL, strokeWidth=1.5)
            .encode(y=y, x=altair.X("low:Q"), x2="high:Q"),
            zero_line(),
        ),
        width, altair.Step(ROW),
    )  # fmt: skip


def _share_row(findings: Findings, value: float, low: float, high: float, domain: int) -> dict[str, Any]:
    name, before, after = (
        shown(findings.domains[domain]),
        findings.problem.reference[domain],
        findings.mix[domain],
    )
    return {
        "name": name, "value": float(value), "low": float(low), "high": float(high),
        "colour": BETTER if value >= 0 else WORSE,
        "tip": f"{name}, {percent(before)} → {percent(after)}: {signed(float(value), 4)} {findings.unit(OVERALL)}",
    }  # fmt: skip
