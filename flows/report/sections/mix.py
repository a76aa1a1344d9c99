"""The mix: natural against recommended weights with their intervals, caps and epochs."""

from typing import Any

import altair

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, folded, paragraph, table
from flows.report.limits import BindingLimit, binding_limits, kept_of_sources
from flows.report.marks import ROW, colours, data, fitted, rows_axis, rows_shown, striped
from flows.report.sections.budgets import other_budgets
from flows.report.theme import INK, NATURAL, RECOMMENDED
from flows.report.words import amount, percent
from mixes.target import OVERALL

MOST_LIMITS = 80  # rows of the table of limits
CAP = "cap"


def mix(findings: Findings) -> Section:
    """One figure, and the same as a table."""
    count = len(findings.recommendation.mix)
    note = (
        f"Share of the training tokens. Lines are {findings.coverage} intervals of the recommended weight"
        f"{'; | is the largest weight that the limits allow' if _caps(findings) else ''}.{_left_out(findings)}"
    )
    title = f"How does the recommended mix differ from {findings.reference}?"
    figure = Figure("mix", title, lambda width: _chart(findings, width), note)
    parts: list[Part] = [figure]
    if findings.recommendation.reference != "natural":
        parts.append(
            paragraph("The natural mix is not known, so the mix is compared with the mean of the swarm's mixes.")
        )
    parts.append(folded(f"Table: all {count} domains", table(_table_rows(findings))))
    if limits := binding_limits(findings):
        title = f"Table: what limits the mix ({len(limits)} limit{'s' * (len(limits) > 1)})"
        parts.append(
            folded(title, table(_limit_rows(findings, limits[:MOST_LIMITS])) + _other_limits(len(limits) - MOST_LIMITS))
        )
    if budgets := other_budgets(findings):
        parts.append(budgets)
    return Section("mix", "The mix", parts)


def _limit_rows(findings: Findings, limits: list[BindingLimit]) -> list[list[str]]:
    """The limits that bind, what loosening them gains, and how much of the sources behind them the filters kept."""
    nearer = bool(findings.problem.question.settings.limits.closest)
    unit = "nats nearer" if nearer else f"thousandths of {findings.unit(OVERALL)}"
    kept = [kept_of_sources(findings, limit.domains) for limit in limits]
    head = ["limit that binds", f"gain from 0.01 more ({unit})"]
    rows = [[limit.words, f"{limit.price:.4f}" if nearer else f"{1000 * limit.price:.1f}"] for limit in limits]
    if not any(kept):
        return [head, *rows]
    shares = [", ".join(f"{percent(share)} of {shown(name)}" for name, share in of.items()) or "–" for of in kept]
    return [[*head, "left of its source"], *([*row, share] for row, share in zip(rows, shares, strict=True))]


def _other_limits(count: int) -> str:
    """A line on the limits that the table leaves out, and how its gains differ from those of the table of colours."""
    others = f"{count} others gain less. " if count > 0 else ""
    return paragraph(
        f"{others}0.01 of a share is one percentage point. The gain is that of a small step in which all other weights "
        "are chosen anew. The figure of one more percent below (“Why this mix?”) takes it from the others in "
        "proportion, so its gains differ.",
        "note",
    )


def mix_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row per domain, the largest weight first."""
    recommendation, caps = findings.recommendation, _caps(findings)
    available = findings.problem.question.holdings.available or {}
    return [
        {
            "name": shown(name),
            "natural": recommendation.natural[name],
            "weight": weight,
            "low": recommendation.intervals[name][0],
            "high": recommendation.intervals[name][1],
            "cap": caps.get(name),
            "epochs": recommendation.epochs.get(name),
            "tokens": available.get(name),
        }
        for name, weight in sorted(recommendation.mix.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _left_out(findings: Findings) -> str:
    """What the domains that the figure leaves out sum to."""
    rows = mix_rows(findings)
    if not (rest := rows[rows_shown(len(rows)) :]):
        return ""
    natural, weight = (percent(sum(row[key] for row in rest)) for key in ("natural", "weight"))
    return (
        f" The {len(rows) - len(rest)} largest domains; the {len(rest)} others together: {findings.reference} "
        f"{natural}, recommended {weight}."
    )


def _caps(findings: Findings) -> dict[str, float]:
    """Domain → the largest weight that the limits allow, where that is below 1."""
    if set(findings.domains) != set(findings.recommendation.mix):  # folded domains have caps of their own
        return dict(findings.recommendation.caps)
    high = findings.problem.limits.room.high
    return {name: float(cap) for name, cap in zip(findings.domains, high, strict=True) if cap < 1}


def _chart(findings: Findings, width: int) -> altair.LayerChart:
    rows = mix_rows(findings)
    rows = rows[: rows_shown(len(rows))]
    names, series = [row["name"] for row in rows], (findings.reference, "recommended")
    largest = max(max(row["natural"], row["weight"], row["high"]) for row in rows)
    points = [
        {"name": row["name"], "series": which, "value": row[key], "tip": _tip(row, which, key)}
        for row in rows
        for which, key in zip(series, ("natural", "weight"), strict=True)
    ]
    caps = [row for row in rows if row["cap"] and row["cap"] <= largest]
    y = rows_axis(names, width)
    scale = altair.Scale(domain=[0, largest * 1.03], nice=False)
    x = altair.X("value:Q", title="share of tokens", axis=altair.Axis(format="~%", tickCount=5), scale=scale)
    intervals = altair.Chart(data(rows))
    return fitted(
        altair.layer(
            striped(names, width),
            intervals.mark_rule(aria=False, color=RECOMMENDED, strokeWidth=4, opacity=0.35).encode(
                y=y, x=altair.X("low:Q"), x2="high:Q"
            ),
            altair.Chart(data(caps)).mark_tick(aria=False, color=INK, thickness=1.5, size=14).encode(y=y, x="cap:Q"),
            altair.Chart(data(points))
            .mark_point(filled=True, size=64, opacity=1)
            .encode(
                y=y, x=x, color=colours(series, (NATURAL, RECOMMENDED)), description="tip:N",
                shape=altair.Shape(
                    "series:N", scale=altair.Scale(domain=list(series), range=["diamond", "circle"]),
                    legend=altair.Legend(title=None),
                ),
            ),
        ),
        width, altair.Step(ROW),
    )  # fmt: skip


def _tip(row: dict[str, Any], which: str, key: str) -> str:
    text = f"{row['name']}: {which} {percent(row[key])}"
    if key == "weight":
        text += f", interval {percent(row['low'])} to {percent(row['high'])}"
    return text


def _table_rows(findings: Findings) -> list[list[str]]:
    recommendation = findings.recommendation
    with_epochs = bool(recommendation.epochs)
    head = ["domain", findings.reference, "recommended", f"{findings.coverage} interval", "ratio", "cap"]
    rows = [[*head, "tokens at hand", "epochs"] if with_epochs else head]
    for row in mix_rows(findings):
        ratio = f"{row['weight'] / row['natural']:.2f}×" if row["natural"] else "–"
        line = [row["name"], percent(row["natural"]), percent(row["weight"])]
        line += [f"{percent(row['low'])} to {percent(row['high'])}", ratio, percent(row["cap"]) if row["cap"] else "–"]
        rows.append([*line, _at_hand(row), f"{row['epochs']:.2f}"] if with_epochs else line)
    return rows


def _at_hand(row: dict[str, Any]) -> str:
    """The domain's available tokens."""
    return "–" if row["tokens"] is None else amount(row["tokens"])
