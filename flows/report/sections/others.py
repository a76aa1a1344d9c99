"""What the mix costs others: two families against each other, and the score against the distance from natural."""

from typing import Any

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, paragraph
from flows.report.key import LINE, Sign, hollow_sign, key, range_sign, recommended_sign, reference_sign
from flows.report.marks import PHONE, data, fitted, points, words_over, zero_line
from flows.report.sections.front import front_chart
from flows.report.theme import INK, NATURAL, RECOMMENDED, UNIFORM
from flows.report.words import percent, signed
from mixes.explain.trade_offs import Farther, farther_from_anchor, front_between, most_opposed, share_moved
from mixes.optimum.objective import divergence
from mixes.recommendation.baselines import UNIFORM as UNIFORM_MIX
from mixes.target import OVERALL

HEIGHT = 280  # pixels
MOST_OF_IT, CLEARLY_LESS = 0.75, 0.9  # of the gain, and of the tokens moved, that a cheaper mix has (assumed)
SEEN = 5e-4  # of the target: less does not show in three decimals


def others(findings: Findings) -> Section:
    """The front, where there are two families; then the distance."""
    parts: list[Part] = []
    pair = most_opposed(findings.problem)
    if pair is None:
        parts.append(paragraph("There is one family, so no family pays for another."))
    else:
        first, second = (shown(name) for name in pair)
        front = front_between(findings.problem, *pair, optimism=findings.optimism_of(pair))
        title = f"What does a better score on {first} cost {second}?"
        note = "Of all pairs of families, these two cost each other most."
        parts.append(Figure("front", title, lambda width: front_chart(findings, pair, front, width), note))
    stated = findings.recommendation.predicted[OVERALL]
    *path, here = farther_from_anchor(findings.problem, findings.worlds, findings.mix, stated)
    title = f"How far from {findings.called_anchor} must I go for the gain?"
    note = _distance_note(findings, path, here)
    parts.append(Figure("distance", title, lambda width: _distance(findings, path, here, width), note))
    return Section("others", "What does the gain cost?", parts)


def _distance_note(findings: Findings, path: list[Farther], here: Farther) -> str:
    """What the axis counts, the same in nats, what lies beyond the recommended mix, and what a cheaper one brings."""
    uniform = np.full((1, len(findings.mix)), 1 / len(findings.mix))
    nats = float(divergence(findings.problem.anchor).value(uniform)[0])
    return (
        "The distance is the share of tokens that change domain. As Kullback–Leibler divergence, the recommended mix "
        f"is {here.nats:.2f} nats away and uniform {nats:.2f}."
        f"{_beyond(findings, path, here)}{_cheaper(findings, path, here)}"
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
    marked: list[dict[str, Any]] = [
        {"x": here.moved, "y": here.gain, "colour": RECOMMENDED, "shape": "circle", "tip": tip}
    ]
    signs = [recommended_sign(), Sign("best mix at each distance", RECOMMENDED, LINE),
             range_sign(f"{findings.coverage} interval of its gain"),
             Sign("simple mix", UNIFORM, "square"), hollow_sign("breaks a limit", UNIFORM, "square")]  # fmt: skip
    if start == findings.reference:
        marked.append({"x": 0.0, "y": 0.0, "colour": NATURAL, "shape": "diamond", "tip": start})
        signs.insert(1, reference_sign(start))
    moved = share_moved(np.array([simple.mix for simple in findings.simple]), findings.problem.anchor)
    simple = [
        {"x": float(far), "y": gain.value, "colour": UNIFORM, "shape": "square", "name": mix.name,
         "hollow": not mix.allowed,
         "tip": f"{mix.name}: {percent(float(far))} of the tokens moved, {signed(gain.value)} {unit}"}
        for mix, far, gain in zip(findings.simple, moved, findings.simple_gains[OVERALL], strict=True)
    ]  # fmt: skip
    signs = signs if any(row["hollow"] for row in simple) else signs[:-1]
    x = altair.X("x:Q", title=f"share of the tokens moved away from {start}",
                 axis=altair.Axis(format=".0%", tickCount=6 if width > PHONE else 4),
                 scale=altair.Scale(nice=False, zero=True, padding=8))  # fmt: skip
    title = f"predicted gain over {findings.reference} ({unit})"
    y = altair.Y("y:Q", title=title, axis=altair.Axis(grid=True, tickCount=6), scale=altair.Scale(padding=8))
    named = [{**row, "text": row["name"]} for row in simple if row["name"] == UNIFORM_MIX]
    last = bool(moved.max() >= max(step.moved for step in path))  # uniform is at the figure's right end
    base = altair.Chart(data(rows))
    return fitted(
        altair.layer(
            key(signs, width - 60),
            zero_line_y(),
            base.mark_area(aria=False, color=RECOMMENDED, opacity=0.15).encode(x=x, y=altair.Y("low:Q"), y2="high:Q"),
            base.mark_line(aria=False, color=RECOMMENDED, strokeWidth=2).encode(x=x, y=y, order="x:Q"),
            *points([*simple, *marked], 80, x=x, y=y),
            *words_over(named, "right" if last else "left", INK, -10 if last else 10, x=x, y=y),
        ),
        width, HEIGHT - 40,
    )  # fmt: skip


def zero_line_y() -> altair.Chart:
    """A horizontal line at no gain."""
    return zero_line().encode(x=altair.value(0), x2=altair.value("width"), y="zero:Q")
