"""The mix: natural against recommended weights with their intervals, caps and epochs."""

from typing import Any

import altair

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, folded, paragraph, table
from flows.report.key import (
    PALE,
    UPRIGHT,
    Sign,
    key,
    keyed_room,
    range_sign,
    recommended_sign,
    reference_sign,
)
from flows.report.limits import BindingLimit, binding_limits, kept_of_sources
from flows.report.marks import PHONE, ROW, data, fitted, points, rows_axis, rows_shown, striped, words_over
from flows.report.sections.budgets import other_budgets
from flows.report.theme import INK, NATURAL, RECOMMENDED
from flows.report.ticks import linear_ticks
from flows.report.words import amount, percent
from mixes.target import OVERALL

MOST_LIMITS = 80  # rows of the table of limits
CAP = "cap"
BEYOND = 84  # pixels of the words on a cap beyond the axis


def mix(findings: Findings) -> Section:
    """One figure, and the same as a table."""
    count = len(findings.recommendation.mix)
    note = f"The largest weights first.{_left_out(findings)}"
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
    names, reference = [row["name"] for row in rows], findings.reference
    largest = max(max(row["natural"], row["weight"], row["high"]) for row in rows)
    inside = [row for row in rows if row["cap"] and row["cap"] <= largest]
    beyond = [{**row, "text": f"cap {percent(row['cap'])} →"} for row in rows if row["cap"] and row["cap"] > largest]
    marks = [_mark(row, reference, "natural", NATURAL, "diamond") for row in rows]
    marks += [_mark(row, "recommended", "weight", RECOMMENDED, "circle") for row in rows]
    y, room = rows_axis(names, width), keyed_room(width)
    end = largest * (room / (room - BEYOND) if beyond else 1.03)
    ticks = linear_ticks(largest, 4 if width < PHONE else 6)
    x = altair.X("value:Q", title="share of the training tokens", axis=altair.Axis(format="~%", values=ticks),
                 scale=altair.Scale(domain=[0, end], nice=False))  # fmt: skip
    signs = [reference_sign(reference), recommended_sign(), range_sign(f"{findings.coverage} interval")]
    signs += [Sign("cap by the limits", INK, UPRIGHT)] if inside or beyond else []
    return fitted(
        altair.layer(
            key(signs, room),
            striped(names, width),
            altair.Chart(data(rows)).mark_rule(aria=False, color=RECOMMENDED, strokeWidth=4, opacity=PALE).encode(
                y=y, x=altair.X("low:Q"), x2="high:Q"
            ),
            altair.Chart(data(inside)).mark_tick(aria=False, color=INK, thickness=1.5, size=14).encode(y=y, x="cap:Q"),
            *words_over(beyond, y=y, x=altair.value("width")),
            *points(marks, 64, x=x, y=y),
        ),
        width, altair.Step(ROW),
    )  # fmt: skip


def _mark(row: dict[str, Any], which: str, field: str, colour: str, shape: str) -> dict[str, Any]:
    text = f"{row['name']}: {which} {percent(row[field])}"
    if field == "weight":
        text += f", interval {percent(row['low'])} to {percent(row['high'])}"
    return {"name": row["name"], "value": row[field], "colour": colour, "shape": shape, "tip": text}


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
