"""The front between two families: among the runs, and close up."""

from collections.abc import Sequence
from typing import Any

import altair
import numpy as np

from flows.report.findings import Findings, shown
from flows.report.key import LINE, RANGE, Sign, recommended_sign, reference_sign, run_sign, with_key
from flows.report.marks import PHONE, data, heading, in_chart, points
from flows.report.theme import FAINT, INK, MUTED, NATURAL, PAPER, RECOMMENDED, UNIFORM
from mixes.explain.trade_offs import Between, between

HEIGHT = 240  # pixels of a panel
MOST_POINTS = 400  # runs
AXIS, GAP = 58, 26  # pixels left of a panel, and between panels
SEEN = 0.75  # quantile of the runs' scores that the first panel reaches
POINT = 0.02  # of the way from the reference to the recommended mix: a shorter front is one mix
READABLE = 0.25  # of an axis; a front that takes less of one is drawn close up, too
NONE = (0.0, 0.0)  # the optimism of mixes that laws did not choose
Row = dict[str, Any]
Ends = tuple[float, float]


def front_chart(findings: Findings, pair: tuple[str, str], front: Sequence[Between], width: int) -> altair.VConcatChart:
    """The front among the runs and simple mixes; beside it, where it is too small to be read there, close up."""
    path = [{**_own(findings, pair, point), "order": number} for number, point in enumerate(front)]
    marked, runs = _marked(findings, pair), _runs(findings, pair)
    single = _is_point(path, marked)
    wide = [_reach(path + marked, runs, key, findings.higher(name)) for key, name in zip("xy", pair, strict=True)]
    small = not single and _is_small(path, wide)
    columns = 2 if small and width > PHONE else 1
    each = (width - columns * AXIS - (columns - 1) * GAP) // columns
    panels = [_panel(findings, pair, each, "Among the runs", path, marked, runs, wide)]
    if small:
        close = [_around(path, key) for key in "xy"]
        panels.append(_panel(findings, pair, each, "Close up", path, marked[-1:], runs, close))
    grid = altair.concat(*panels, columns=columns, spacing=GAP)
    signs = [
        recommended_sign(), reference_sign(findings.reference), Sign("uniform", UNIFORM, "square"),
        run_sign("run within the limits"), Sign("run that breaks a limit", FAINT, hollow=True),
        Sign(f"{findings.coverage} range of one proxy", MUTED, RANGE, opacity=0.5),
    ]  # fmt: skip
    signs += [] if single else [Sign("best mixes for the two", INK, LINE)]
    kinds = {bool(row.get("hollow")) for row in runs}
    signs = [sign for sign in signs if not sign.words.startswith("run ") or sign.hollow in kinds]
    return with_key(grid, signs, width - AXIS).properties(
        title=in_chart([_sentence(findings, pair, path, single)], width)
    )


def _sentence(findings: Findings, pair: tuple[str, str], path: list[Row], single: bool) -> str:
    """How much the two families cost each other."""
    first, second = (shown(name) for name in pair)
    if single:
        return f"The same mix is best for {first} and for {second}: neither costs the other anything."
    spans = [_span(path, key) for key in "xy"]
    words = " and ".join(
        f"{shown(name)} by {high - low:.3f} {findings.unit(name)}"
        for name, (low, high) in zip(pair, spans, strict=True)
    )
    ranges = [max(row[f"{key}_high"] - row[f"{key}_low"] for row in path) for key in "xy"]
    little = all(high - low < wide for (low, high), wide in zip(spans, ranges, strict=True))
    end = ", less than one proxy's range: the two cost each other little." if little else "."
    return f"From one end of the line to the other, the score changes on {words}{end}"


def _is_point(path: list[Row], marked: list[Row]) -> bool:
    """Whether the front is too short to be seen as one."""
    recommended, reference = marked[-1], marked[0]
    for key in "xy":
        low, high = _span(path, key)
        if high - low > POINT * max(abs(recommended[key] - reference[key]), 1e-9):
            return False
    return True


def _is_small(path: Sequence[Row], reach: Sequence[Ends]) -> bool:
    """Whether the front takes too little of the first panel to be read there."""
    shares = []
    for key, (low, high) in zip("xy", reach, strict=True):
        start, end = _span(path, key)
        shares.append((end - start) / (high - low))
    return min(shares) < READABLE


def _span(rows: Sequence[Row], key: str) -> Ends:
    values = [row[key] for row in rows]
    return min(values), max(values)


def _around(path: Sequence[Row], key: str) -> Ends:
    """The front's own span, with room."""
    low, high = _span(path, key)
    room = 0.3 * (high - low) or 0.002
    return low - room, high + room


def _reach(rows: Sequence[Row], runs: Sequence[Row], key: str, higher: bool) -> Ends:
    """All marked mixes with their ranges, and the better runs."""
    values = [row[key] for row in runs]
    worst = float(np.quantile(values, 1 - SEEN if higher else SEEN))
    seen = [worst, max(values) if higher else min(values)]
    low, high = min(*seen, *(row[f"{key}_low"] for row in rows)), max(*seen, *(row[f"{key}_high"] for row in rows))
    room = 0.04 * (high - low or 1.0)
    return low - room, high + room


def _marked(findings: Findings, pair: tuple[str, str]) -> list[Row]:
    """The reference, uniform and, last, the recommended mix."""
    uniform = np.full(len(findings.mix), 1 / len(findings.mix))
    places = (
        (findings.reference, findings.problem.reference, NATURAL, "diamond", NONE),
        ("uniform", uniform, UNIFORM, "square", NONE),
        ("recommended", findings.mix, RECOMMENDED, "circle", findings.optimism_of(pair)),
    )
    rows = []
    for name, mix, colour, shape, over in places:
        row = _own(findings, pair, between(findings.problem, mix, *pair, over))
        tip = f"{name}: {shown(pair[0])} {row['x']:.3f}, {shown(pair[1])} {row['y']:.3f}"
        rows.append({**row, "colour": colour, "shape": shape, "tip": tip})
    return rows


def _panel(
    findings: Findings, pair: tuple[str, str], width: int, title: str, path: list[Row], marked: list[Row],
    runs: list[Row], ends: list[Ends],
) -> Any:  # fmt: skip
    """The front, the marked mixes and the runs, where they lie within the ends of the axes."""
    axes: list[dict[str, Any]] = [
        {"title": _axis(findings, name), "scale": altair.Scale(domain=list(reach), zero=False, nice=False),
         "axis": altair.Axis(grid=True, tickCount=4)}
        for name, reach in zip(pair, ends, strict=True)
    ]  # fmt: skip
    x, y = altair.X("x:Q", **axes[0]), altair.Y("y:Q", **axes[1])
    inside = [row for row in runs if all(low <= row[key] <= high for key, (low, high) in zip("xy", ends, strict=True))]
    line = altair.Chart(data(path)).mark_line(
        aria=False, color=INK, strokeWidth=1.5, point={"color": INK, "size": 26, "aria": False}
    )
    rule = altair.Chart(data(marked)).mark_rule(aria=False, clip=True, opacity=0.5, strokeWidth=2)
    colour = altair.Color("colour:N", scale=None)
    halo = [{key: value for key, value in row.items() if key != "tip"} for row in marked[:-1]]
    below = f"{len(inside)} of {len(runs)} runs" if inside else f"none of the {len(runs)} runs is here"
    return altair.layer(
        heading(title, width, below),
        *points(inside, 18, x=x, y=y),
        rule.encode(x=x, y=altair.Y("y_low:Q", **axes[1]), y2="y_high:Q", color=colour),
        rule.encode(y=y, x=altair.X("x_low:Q", **axes[0]), x2="x_high:Q", color=colour),
        line.encode(x=x, y=y, order="order:Q"),
        *points([{**row, "colour": PAPER} for row in halo], 230, x=x, y=y),
        *points(marked, 90, x=x, y=y),
    ).properties(width=width, height=HEIGHT)


def _own(findings: Findings, pair: tuple[str, str], point: Between) -> Row:
    """A point's coordinates and the ends of its ranges, scores with their own sign."""
    row: Row = {}
    for side, key in enumerate("xy"):
        score, *ends = (
            float(findings.own_sign(pair[side], np.array(value)))
            for value in (point.scores[side], point.lows[side], point.highs[side])
        )
        row |= {key: score, f"{key}_low": min(ends), f"{key}_high": max(ends)}
    return row


def _runs(findings: Findings, pair: tuple[str, str]) -> list[Row]:
    """The swarm's mixes, as they scored; those that break the limits are hollow."""
    runs = findings.problem.fitted.runs.by_mix()
    met = findings.problem.limits.met(runs.weights())
    sides = []
    for name in pair:
        values = np.array([findings.problem.aims[name].get(task, 0.0) for task in runs.tasks])
        sides.append(findings.own_sign(name, values @ runs.scores()))
    every = max(1, -(-len(runs) // MOST_POINTS))
    return [
        {"x": round(float(x), 4), "y": round(float(y), 4), "hollow": not allowed,
         "colour": FAINT}
        for x, y, allowed in list(zip(*sides, met, strict=True))[::every]
    ]  # fmt: skip


def _axis(findings: Findings, family: str) -> str:
    return f"{shown(family)} ({findings.unit(family)}, {findings.better(family)})"
