"""Slices: the target along each domain's weight, through the recommended mix, with the runs as points."""

from typing import Any

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section, paragraph
from flows.report.key import LINE, UPRIGHT, Sign, range_sign, recommended_sign, run_sign, with_key
from flows.report.marks import data, heading, panel_columns, points
from flows.report.theme import FAINT, NATURAL, RECOMMENDED
from flows.report.ticks import linear_ticks
from flows.report.words import listed, percent
from mixes.explain.slices import Slice, slice_along
from mixes.target import OVERALL

MOST = 12  # domains, those along which the target changes most
MOST_TRIED = 100  # domains of which slices are computed, those whose weight changes most
MOST_POINTS = 150  # runs of each facet
HEIGHT, ON_AXIS = 120, 14  # pixels of a facet, and of natural's mark on its axis
TICK = 44  # pixels from one tick to the next, or more


def slices(findings: Findings) -> Section:
    """One small figure per domain."""
    moved = np.argsort(-np.abs(findings.mix - findings.problem.reference), kind="stable")[:MOST_TRIED]
    over = findings.recommendation.predicted[OVERALL].optimism
    along = [slice_along(findings.problem, OVERALL, findings.mix, findings.domains[i], optimism=over) for i in moved]
    ranked = sorted(along, key=lambda one: (-float(np.ptp(one.scores)), one.domain))
    chosen, rest = ranked[:MOST], ranked[MOST:]
    note = (
        "Along each line, one domain's share changes and the others keep their proportions in the recommended mix. "
        f"So at {findings.reference}'s share of one domain the line need not reach {findings.reference}'s score. "
        f"Runs differ in all domains; the worst lie outside the figure.{findings.carried}"
    )
    title = "How does the target change along each domain?"
    figure = Figure("slices", title, lambda width: _facets(findings, chosen, width), note)
    parts: list[str | Figure] = [figure]
    if rest:
        names = listed([shown(one.domain) for one in rest], 12)
        parts.append(paragraph(f"Along {len(rest)} other domains the target changes less: {names}.", "note"))
    return Section("slices", "What if I change one domain?", parts)


def _facets(findings: Findings, chosen: list[Slice], width: int) -> altair.VConcatChart:
    columns, gap = panel_columns(len(chosen), 3, width), 30
    each = (width - columns * 40 - (columns - 1) * gap - 14) // columns
    scale = _scale(findings, chosen)
    charts = [
        _facet(findings, one, scale, each, number % columns == 0, number >= len(chosen) - columns)
        for number, one in enumerate(chosen)
    ]
    signs = [
        recommended_sign(), Sign(f"predicted target ({findings.better(OVERALL)})", RECOMMENDED, LINE),
        range_sign(f"{findings.coverage} range of one proxy"), run_sign("a run and its score"),
        Sign(f"{findings.reference}'s share of this domain", NATURAL, UPRIGHT),
    ]  # fmt: skip
    return with_key(altair.concat(*charts, columns=columns, spacing=gap), signs, width - 60)


def _scale(findings: Findings, chosen: list[Slice]) -> altair.Scale:
    """Scores that the panels share: the ranges, and the better runs."""
    scores = _target_scores(findings)
    ends = [findings.own_sign(OVERALL, values) for one in chosen for values in (one.low, one.high)]
    worst, middle = (0.1, 0.75) if findings.higher(OVERALL) else (0.9, 0.25)  # quantiles: of the ranges, of the runs
    best = max if findings.higher(OVERALL) else min
    edges = [float(np.quantile(scores, middle)), float(best(scores))]
    edges += [float(np.quantile(values, worst)) for values in ends] + [float(best(values)) for values in ends]
    return altair.Scale(domain=[min(edges), max(edges)], nice=True, zero=False)


def _target_scores(findings: Findings) -> np.ndarray:
    """(n,) the target's scores of the swarm's mixes, with their own sign."""
    return findings.own_sign(OVERALL, findings.on_target.observed)


def _facet(findings: Findings, one: Slice, scale: altair.Scale, width: int, titled: bool, last: bool) -> Any:
    """One domain: the line with its band, the runs, the recommended mix, and natural's share as a mark on the axis."""
    column, sign = findings.domains.index(one.domain), findings.own_sign
    line = [
        {"x": float(x), "y": float(y), "low": float(min(a, b)), "high": float(max(a, b))}
        for x, y, a, b in zip(
            one.weights, *(sign(OVERALL, v) for v in (one.scores, one.low, one.high)), strict=True
        )
    ]  # fmt: skip
    end, weight, natural = float(one.weights.max()), findings.mix[column], findings.problem.reference[column]
    marked = {"x": float(weight), "y": float(np.interp(weight, one.weights, sign(OVERALL, one.scores))),
              "colour": RECOMMENDED, "tip": f"recommended: {percent(float(weight))} {shown(one.domain)}"}  # fmt: skip
    share = {"x": float(natural), "tip": f"{findings.reference}: {percent(float(natural))} {shown(one.domain)}"}
    x = altair.X("x:Q", title="share of the training tokens" if last else None,
                 scale=altair.Scale(domain=[0, end], nice=False),
                 axis=altair.Axis(format="~%", values=linear_ticks(end, max(2, width // TICK))))  # fmt: skip
    unit = f"target ({findings.unit(OVERALL)})" if titled else None
    y = altair.Y("y:Q", title=unit, scale=scale, axis=altair.Axis(grid=True, tickCount=4, minExtent=26))
    base = altair.Chart(data(line))
    return altair.layer(
        heading(shown(one.domain), width),
        *points(_runs(findings, column, end, scale["domain"]), 12, x=x, y=y),
        base.mark_area(aria=False, color=RECOMMENDED, opacity=0.15, clip=True).encode(
            x=x, y=altair.Y("low:Q", scale=scale), y2="high:Q"
        ),
        base.mark_line(aria=False, color=RECOMMENDED, strokeWidth=2, clip=True).encode(x=x, y=y),
        altair.Chart(data([share])).mark_rule(color=NATURAL, strokeWidth=3.5).encode(
            x=x, y=altair.value(HEIGHT), y2=altair.value(HEIGHT - ON_AXIS), description="tip:N"
        ),
        *points([marked], 70, x=x, y=y),
    ).properties(width=width, height=HEIGHT)  # fmt: skip


def _runs(findings: Findings, column: int, end: float, ends: tuple[float, float]) -> list[dict[str, Any]]:
    """The runs whose scores are inside the panel."""
    tried, scores = findings.problem.tried[:, column], _target_scores(findings)
    every = max(1, -(-len(tried) // MOST_POINTS))
    return [
        {"x": round(float(x), 4), "y": round(float(y), 4), "colour": FAINT}
        for x, y in zip(tried[::every], scores[::every], strict=True)
        if x <= end and ends[0] <= y <= ends[1]
    ]
