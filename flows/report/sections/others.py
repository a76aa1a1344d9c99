"""What the mix costs others: two families against each other, and the score against the distance from natural."""

from typing import Any

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, paragraph
from flows.report.marks import colours, data, fitted, zero_line
from flows.report.theme import FAINT, INK, MUTED, NATURAL, RECOMMENDED, UNIFORM
from flows.report.words import percent, signed
from mixes.explain.trade_offs import (
    Between,
    Farther,
    between,
    farther_from_anchor,
    front_between,
    most_opposed,
    share_moved,
)
from mixes.optimum.objective import divergence
from mixes.recommendation.baselines import UNIFORM as UNIFORM_MIX
from mixes.target import OVERALL

HEIGHT = 280  # pixels
MOST_POINTS = 400  # runs
MOST_OF_IT, CLEARLY_LESS = 0.75, 0.9  # of the gain, and of the tokens moved, that a cheaper mix has (assumed)
SEEN = 5e-4  # of the target: less does not show in three decimals
NONE = (0.0, 0.0)  # the optimism of mixes that laws did not choose


def others(findings: Findings) -> Section:
    """The front, where there are two families; then the distance."""
    parts: list[Part] = []
    pair = most_opposed(findings.problem)
    if pair is None:
        parts.append(paragraph("There is one family, so no family pays for another."))
    else:
        first, second = (shown(name) for name in pair)
        front = front_between(findings.problem, *pair, optimism=findings.optimism_of(pair))
        note = (
            "The line joins mixes of which none is better for one family without being worse for the other. Crosses "
            f"hold the scores of {findings.coverage} of single proxies on a mix. Of all pairs of families, these two "
            "cost each other most. Grey points are runs near the line, if any; others lie outside the figure. Runs "
            "that are better on both families break the limits of the mix, or scored well by chance."
        )
        title = f"What does a better score on {first} cost {second}?"
        parts.append(Figure("front", title, lambda width: _front(findings, pair, front, width), note))
    stated = findings.recommendation.predicted[OVERALL]
    *path, here = farther_from_anchor(findings.problem, findings.worlds, findings.mix, stated)
    title = f"How far from {findings.called_anchor} must I go for the gain?"
    note = _distance_note(findings, path, here)
    parts.append(Figure("distance", title, lambda width: _distance(findings, path, here, width), note))
    return Section("others", "What does the gain cost?", parts)


def _front(findings: Findings, pair: tuple[str, str], front: list[Between], width: int) -> altair.LayerChart:
    own = [_own(findings, pair, point) for point in front]
    path = [{**row, "order": number} for number, row in enumerate(own)]
    uniform = np.full(len(findings.mix), 1 / len(findings.mix))
    places = {
        "recommended": (findings.mix, RECOMMENDED), findings.reference: (findings.problem.reference, NATURAL),
        "uniform": (uniform, UNIFORM),
    }  # fmt: skip
    marked = [
        {**_own(findings, pair, between(findings.problem, mix, *pair, over)), "series": name}
        for (name, (mix, _)), over in zip(places.items(), (findings.optimism_of(pair), NONE, NONE), strict=True)
    ]
    for row in marked:
        row["tip"] = f"{row['series']}: {shown(pair[0])} {row['x']:.3f}, {shown(pair[1])} {row['y']:.3f}"
    runs = _runs(findings, pair)
    ticks = altair.Axis(grid=True, tickCount=6)
    x = altair.X("x:Q", title=_axis(findings, pair[0]), scale=_scale(marked + path, "x"), axis=ticks)
    y = altair.Y("y:Q", title=_axis(findings, pair[1]), scale=_scale(marked + path, "y"), axis=ticks)
    colour = colours(list(places), [colour for _, colour in places.values()])
    return fitted(
        altair.layer(
            altair.Chart(data(runs))
            .mark_circle(aria=False, size=14, color=FAINT, opacity=0.7, clip=True)
            .encode(x=x, y=y),
            altair.Chart(data(path))
            .mark_line(aria=False, color=MUTED, strokeWidth=1.5, point={"color": MUTED, "size": 24, "aria": False})
            .encode(x=x, y=y, order="order:Q"),
            altair.Chart(data(marked)).mark_rule(aria=False, clip=True, opacity=0.5).encode(
                x=x, y=altair.Y("y_low:Q", title=_axis(findings, pair[1])), y2="y_high:Q", color=colour
            ),
            altair.Chart(data(marked)).mark_rule(aria=False, clip=True, opacity=0.5).encode(
                y=y, x=altair.X("x_low:Q", title=_axis(findings, pair[0])), x2="x_high:Q", color=colour
            ),
            altair.Chart(data(marked)).mark_point(filled=True, size=90, opacity=1).encode(
                x=x, y=y, color=colour, description="tip:N",
                shape=altair.Shape("series:N", legend=None, scale=altair.Scale(
                    domain=list(places), range=["circle", "diamond", "square"])),
            ),
        ),
        width, HEIGHT,
    )  # fmt: skip


def _own(findings: Findings, pair: tuple[str, str], point: Between) -> dict[str, Any]:
    """A point's coordinates and the ends of its ranges, scores with their own sign."""
    row: dict[str, Any] = {}
    for side, key in enumerate("xy"):
        score, *ends = (
            float(findings.own_sign(pair[side], np.array(value)))
            for value in (point.scores[side], point.lows[side], point.highs[side])
        )
        row |= {key: score, f"{key}_low": min(ends), f"{key}_high": max(ends)}
    return row


def _runs(findings: Findings, pair: tuple[str, str]) -> list[dict[str, Any]]:
    """The swarm's mixes, as they scored."""
    runs = findings.problem.fitted.runs.by_mix()
    sides = []
    for name in pair:
        values = np.array([findings.problem.aims[name].get(task, 0.0) for task in runs.tasks])
        sides.append(findings.own_sign(name, values @ runs.scores()))
    every = max(1, -(-len(runs) // MOST_POINTS))
    pairs = list(zip(*sides, strict=True))[::every]
    return [{"x": round(float(x), 4), "y": round(float(y), 4)} for x, y in pairs]


def _axis(findings: Findings, family: str) -> str:
    return f"{shown(family)} ({findings.unit(family)}, {findings.better(family)})"


def _scale(rows: list[dict[str, Any]], key: str) -> altair.Scale:
    """Around the front and the marked mixes, with their ranges; runs outside are not drawn."""
    low, high = min(row[f"{key}_low"] for row in rows), max(row[f"{key}_high"] for row in rows)
    room = 0.04 * (high - low or 1.0)
    return altair.Scale(domain=[low - room, high + room], zero=False, nice=False)


def _distance_note(findings: Findings, path: list[Farther], here: Farther) -> str:
    """What the axis counts, the same in nats, what lies beyond the recommended mix, and what a cheaper one brings."""
    uniform = np.full((1, len(findings.mix)), 1 / len(findings.mix))
    nats = float(divergence(findings.problem.anchor).value(uniform)[0])
    return (
        f"Line: the best mix at each distance, with the {findings.coverage} interval of its gain. The distance is the "
        f"share of tokens that change domain. As Kullback–Leibler divergence, the recommended mix is {here.nats:.2f} "
        f"nats away and uniform {nats:.2f}.{_beyond(findings, path, here)}{_cheaper(findings, path, here)}"
    )


def _beyond(findings: Findings, path: list[Farther], here: Farther) -> str:
    """Why the line rises past the recommended mix, where it does."""
    farther = [step for step in path if step.moved > here.moved]
    more = max((step.gain for step in farther), default=here.gain) - here.gain
    if more < SEEN or findings.problem.question.settings.robust:
        return ""
    line = f" Farther mixes gain up to {more:.3f} {findings.unit(OVERALL)} more."
    if findings.problem.question.settings.limits.closest:
        return f"{line} The closest mix that brings the wanted share of the gain was asked for."
    if findings.problem.pull > 0:
        return (
            f"{line} The recommended mix stops short of them, because the pull to {findings.called_anchor} costs more."
        )
    return line


def _cheaper(findings: Findings, path: list[Farther], here: Farther) -> str:
    """The nearest mix of the line that brings most of the gain."""
    if here.gain <= 0 or findings.problem.question.settings.limits.closest:
        return ""
    enough = [step for step in path if step.gain >= MOST_OF_IT * here.gain and step.moved < CLEARLY_LESS * here.moved]
    if not enough:
        return ""
    step = min(enough, key=lambda step: step.moved)
    part = step.gain / here.gain
    return (
        f" A cheaper compromise: with {percent(step.moved)} of the tokens moved in place of {percent(here.moved)}, the "
        f"gain is {signed(step.gain)} {findings.unit(OVERALL)}, {part:.0%} of it (--closest {part:.2f} asks for such a "
        "mix)."
    )


def _distance(findings: Findings, path: list[Farther], here: Farther, width: int) -> altair.LayerChart:
    unit, start = findings.unit(OVERALL), findings.called_anchor
    rows = [{"x": step.moved, "y": step.gain, "low": step.low, "high": step.high} for step in path]
    tip = f"recommended: {percent(here.moved)} of the tokens moved, {signed(here.gain)} {unit}"
    marked = [{"x": here.moved, "y": here.gain, "series": "recommended", "tip": tip}]
    if start == findings.reference:
        marked.append({"x": 0.0, "y": 0.0, "series": start, "tip": start})
    moved = share_moved(np.array([simple.mix for simple in findings.simple]), findings.problem.anchor)
    simple = [
        {"x": float(far), "y": gain.value, "series": "simple mixes", "name": mix.name * (mix.name == UNIFORM_MIX),
         "tip": f"{mix.name}: {percent(float(far))} of the tokens moved, {signed(gain.value)} {unit}"}
        for mix, far, gain in zip(findings.simple, moved, findings.simple_gains[OVERALL], strict=True)
    ]  # fmt: skip
    x = altair.X("x:Q", title=f"share of the tokens moved away from {start}",
                 axis=altair.Axis(format=".0%", tickCount=6),
                 scale=altair.Scale(nice=False, zero=True, padding=6))  # fmt: skip
    y = altair.Y("y:Q", title=f"predicted gain ({unit})", axis=altair.Axis(grid=True, tickCount=6),
              scale=altair.Scale(padding=8))  # fmt: skip
    names, values = ["recommended", start, "simple mixes"], [RECOMMENDED, NATURAL, UNIFORM]
    last = bool(moved.max() >= max(step.moved for step in path))  # uniform is at the figure's right end
    base = altair.Chart(data(rows))
    return fitted(
        altair.layer(
            zero_line_y(),
            base.mark_area(aria=False, color=RECOMMENDED, opacity=0.15).encode(x=x, y=altair.Y("low:Q"), y2="high:Q"),
            base.mark_line(aria=False, color=RECOMMENDED, strokeWidth=2).encode(x=x, y=y, order="x:Q"),
            altair.Chart(data(simple + marked)).mark_point(filled=True, size=80, opacity=1).encode(
                x=x, y=y, color=colours(names, values), description="tip:N",
                shape=altair.Shape("series:N", legend=None,
                                   scale=altair.Scale(domain=names, range=["circle", "diamond", "square"])),
            ),
            altair.Chart(data(simple)).mark_text(
                aria=False, align="right" if last else "left", dx=-9 if last else 9, color=INK, fontSize=12
            ).encode(x=x, y=y, text="name:N"),
        ),
        width, HEIGHT - 60,
    )  # fmt: skip


def zero_line_y() -> altair.Chart:
    """A horizontal line at no gain."""
    return zero_line().encode(x=altair.value(0), x2=altair.value("width"), y="zero:Q")
