"""Upsampling curves: how often each quality bucket repeats, where the experiment asks for it."""

from typing import Any

import altair
import polars as pl

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section, paragraph
from flows.report.marks import data, heading, panel_columns
from flows.report.theme import RECOMMENDED
from flows.report.words import listed
from mixes.quality_parts import whole_of

MOST_CURVES = 12


def upsampling(findings: Findings) -> Section | None:
    """How often each quality bucket repeats, where the experiment asks for it."""
    if not findings.buckets:
        return None
    rows = pl.DataFrame([{**row, "domain": whole_of(str(row["domain"]))} for row in findings.buckets])
    curves = {str(name[0]): frame.sort("bucket") for name, frame in rows.group_by("domain", maintain_order=True)}
    many = {name: frame for name, frame in curves.items() if len(frame) > 1}
    if not many:
        return None
    weights = dict.fromkeys(many, 0.0)
    for name, weight in findings.recommendation.mix.items():
        weights[whole_of(name)] = weights.get(whole_of(name), 0.0) + weight
    ranked = sorted(many, key=lambda name: (-weights[name], name))
    note = "Times that a document of each twentieth of a domain's quality is repeated, worst left, best right."
    figure = Figure(
        "upsampling",
        "How often does good text repeat?",
        lambda width: _curves({name: many[name] for name in ranked[:MOST_CURVES]}, width),
        note,
    )
    parts: list[str | Figure] = [figure]
    if rest := ranked[MOST_CURVES:]:
        parts.append(paragraph(f"Also upsampled: {listed([shown(name) for name in rest], 60)}.", "note"))
    return Section("upsampling", "Upsampling by quality", parts)


def _curves(curves: dict[str, pl.DataFrame], width: int) -> altair.ConcatChart:
    columns = panel_columns(len(curves), 3, width)
    each = (width - columns * 46 - (columns - 1) * 26) // columns
    most = max(float(frame["repeat"].max()) for frame in curves.values())  # type: ignore[arg-type]
    charts = []
    for number, (name, frame) in enumerate(curves.items()):
        total = float(frame["tokens"].sum()) or 1.0
        edges = [0.0, *(frame["tokens"].cum_sum() / total).to_list()]
        rows: list[dict[str, Any]] = [
            {
                "x": edges[i],
                "x2": edges[i + 1],
                "y": row["repeat"],
                "tip": f"bucket {row['bucket']}: {row['repeat']:.2f}×",
            }
            for i, row in enumerate(frame.iter_rows(named=True))
        ]
        y = altair.Y(
            "y:Q",
            title="repeats (×)" if number % columns == 0 else None,
            scale=altair.Scale(domain=[0, max(1.0, most)]),
            axis=altair.Axis(grid=True, tickCount=4),
        )
        x = altair.X(
            "x:Q",
            title="share of its tokens, best right" if number >= len(curves) - columns else None,
            scale=altair.Scale(domain=[0, 1]),
            axis=altair.Axis(format=".0%", tickCount=4),
        )
        bars = altair.Chart(data(rows)).mark_rect(color=RECOMMENDED, opacity=0.8)
        panel = bars.encode(x=x, x2="x2:Q", y=y, y2=altair.datum(0), description="tip:N")
        charts.append(altair.layer(heading(shown(name), each), panel).properties(width=each, height=100))
    return altair.concat(*charts, columns=columns, spacing=26)  # fmt: skip
