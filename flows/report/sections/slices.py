"""Slices: the target along each domain's weight, through the recommended mix, with the runs as points."""

from typing import Any

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section, paragraph
from flows.report.marks import PHONE, data
from flows.report.theme import FAINT, NATURAL, RECOMMENDED
from flows.report.words import listed
from mixes.explain.slices import Slice, slice_along
from mixes.target import OVERALL

MOST = 12  # domains, those along which the target changes most
MOST_TRIED = 100  # domains of which slices are computed, those whose weight changes most
MOST_POINTS = 150  # runs of each facet


def slices(findings: Findings) -> Section:
    """One small figure per domain."""
    moved = np.argsort(-np.abs(findings.mix - findings.problem.reference), kind="stable")[:MOST_TRIED]
    over = findings.recommendation.predicted[OVERALL].optimism
    along = [slice_along(findings.problem, OVERALL, findings.mix, findings.domains[i], optimism=over) for i in moved]
    ranked = sorted(along, key=lambda one: (-float(np.ptp(one.scores)), one.domain))
    chosen, rest = ranked[:MOST], ranked[MOST:]
    note = (
        f"Line: the predicted target ({findings.unit(OVERALL)}, {findings.better(OVERALL)}) when the domain's share "
        f"changes and the others keep their proportions; band: {findings.coverage} range of one proxy. Grey points: "
        "the runs, which differ in all domains; the worst lie outside the figure. Blue circle: recommended, as in the "
        f"table of scores; grey diamond: {findings.reference}'s share of this one domain with the others as "
        f"recommended, which is another mix than {findings.reference}."
    )
    title = "How does the target change along each domain?"
    figure = Figure("slices", title, lambda width: _facets(findings, chosen, width), note)
    parts: list[str | Figure] = [figure]
    if rest:
        names = listed([shown(one.domain) for one in rest], 12)
        parts.append(paragraph(f"Along {len(rest)} other domains the target changes less: {names}.", "note"))
    return Section("slices", "What if I change one domain?", parts)


def _facets(findings: Findings, chosen: list[Slice], width: int) -> altair.ConcatChart:
    columns = min(3 if width > PHONE else 2, len(chosen))
    gap = 26
    each = (width - columns * 46 - (columns - 1) * gap) // columns
    scores = _target_scores(findings)
    ends = [findings.own_sign(OVERALL, values) for one in chosen for values in (one.low, one.high)]
    worst, middle = (0.1, 0.75) if findings.higher(OVERALL) else (0.9, 0.25)  # quantiles: of the ranges, of the runs
    best = max if findings.higher(OVERALL) else min
    edges = [float(np.quantile(scores, middle)), float(best(scores))]
    edges += [float(np.quantile(values, worst)) for values in ends] + [float(best(values)) for values in ends]
    low, high = min(edges), max(edges)
    scale = altair.Scale(domain=[low, high], nice=True, zero=False)
    charts = [_facet(findings, one, scores, scale, each, number % columns == 0) for number, one in enumerate(chosen)]
    return altair.concat(*charts, columns=columns, spacing=gap)


def _target_scores(findings: Findings) -> np.ndarray:
    """(n,) the target's scores of the swarm's mixes, with their own sign."""
    return findings.own_sign(OVERALL, findings.on_target.observed)


def _facet(findings: Findings, one: Slice, scores: np.ndarray, scale: altair.Scale, width: int, titled: bool) -> Any:
    column = findings.domains.index(one.domain)
    sign = findings.own_sign
    at = {"recommended": findings.mix[column], findings.reference: findings.problem.reference[column]}
    line = [
        {"x": float(x), "y": float(y), "low": float(min(a, b)), "high": float(max(a, b))}
        for x, y, a, b in zip(
            one.weights, *(sign(OVERALL, v) for v in (one.scores, one.low, one.high)), strict=True
        )
    ]  # fmt: skip
    own = sign(OVERALL, one.scores)
    marked = [
        {"x": float(weight), "y": float(np.interp(weight, one.weights, own)), "which": which,
         "tip": f"{which}: {weight:.1%} {shown(one.domain)}"}
        for which, weight in at.items()
    ]  # fmt: skip
    tried = findings.problem.tried[:, column]
    every = max(1, -(-len(tried) // MOST_POINTS))
    low, high = scale["domain"]
    runs = [
        {"x": round(float(x), 4), "y": round(float(y), 4)}
        for x, y in zip(tried[::every], scores[::every], strict=True)
        if low <= y <= high
    ]
    limits = altair.Scale(domain=[0, float(one.weights.max())], nice=False)
    x = altair.X("x:Q", title=None, scale=limits, axis=altair.Axis(format="~%", tickCount=4, labelFlush=True))
    unit = f"target ({findings.unit(OVERALL)})" if titled else None
    y = altair.Y("y:Q", title=unit, scale=scale, axis=altair.Axis(grid=True, tickCount=4))
    base = altair.Chart(data(line))
    layers: list[Any] = [
        altair.Chart(data(runs))
        .mark_circle(aria=False, size=12, color=FAINT, opacity=0.7, clip=True)
        .encode(x=x, y=y),
        base.mark_area(aria=False, color=RECOMMENDED, opacity=0.15, clip=True).encode(
            x=x, y=altair.Y("low:Q", scale=scale), y2="high:Q"
        ),
        base.mark_line(aria=False, color=RECOMMENDED, strokeWidth=2, clip=True).encode(x=x, y=y),
        altair.Chart(data(marked)).mark_point(filled=True, size=70, opacity=1).encode(
            x=x, y=y, description="tip:N",
            color=altair.Color("which:N", legend=None,
                               scale=altair.Scale(domain=list(at), range=[RECOMMENDED, NATURAL])),
            shape=altair.Shape("which:N", legend=None,
                               scale=altair.Scale(domain=list(at), range=["circle", "diamond"])),
        ),
    ]  # fmt: skip
    title = altair.TitleParams(shown(one.domain), fontSize=12, anchor="start", offset=4, limit=width + 30)
    return altair.layer(*layers).properties(width=width, height=120, title=title)
