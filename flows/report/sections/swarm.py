"""The swarm as parallel coordinates: a row per domain, a tick per mix, and lines of the mixes that matter."""

from typing import Any, Literal

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section
from flows.report.marks import LABELS, ROW, data, fitted, rows_axis, rows_shown, striped
from flows.report.theme import FAINT, NATURAL, RECOMMENDED, UNIFORM, WORSE
from flows.report.words import percent
from mixes.target import OVERALL

MOST_TICKS, MOST_BEST = 6_000, 3  # in all, and lines of tried mixes
BEST = 0.05  # share of the mixes, those with the best scores, that are drawn as lines
TICKS = (
    0,
    0.001,
    0.005,
    0.01,
    0.05,
    0.1,
    0.2,
    0.4,
    0.6,
    0.8,
    1,
)  # of an axis of roots, on which small shares lie apart
APART = 84  # pixels that a name takes
Align = Literal["left", "right"]


def swarm(findings: Findings) -> Section:
    """One figure."""
    count = len(findings.problem.tried)
    best = max(1, min(MOST_BEST, round(BEST * count)))
    every = _every(findings)
    drawn = f" (one in {every} is drawn)" if every > 1 else ""
    rows = rows_shown(len(findings.domains))
    rest = len(findings.domains) - rows
    left_out = f" The {rows} largest domains; {rest} others are left out." if rest else ""
    note = (
        f"Ticks: a domain's share in each of the {count} tried mixes{drawn}. Thin line{'s' * (best > 1)}: the "
        f"{f'{best} mixes' if best > 1 else 'mix'} that scored best, whether or not the limits allow "
        f"{'them' if best > 1 else 'it'}. Where no tick is near the blue line, that share itself was not tried, and "
        f"the laws interpolate between the ticks on both sides. The scale widens small shares.{left_out}"
        f"{_best(findings)}"
    )
    title = "Which mixes were tried, and which scored best on the target?"
    return Section("swarm", "The swarm", [Figure("swarm", title, lambda width: _chart(findings, best, width), note)])


def _best(findings: Findings) -> str:
    """Why the best tried mix is not recommended, where it scored better than the recommended one is predicted to."""
    first = int(np.argmin(findings.on_target.observed))
    best, target = findings.problem.tried[first], findings.recommendation.predicted[OVERALL]
    scored, predicted = float(findings.own_sign(OVERALL, findings.on_target.observed)[first]), target.mix
    ahead = scored > predicted if findings.higher(OVERALL) else scored < predicted
    if not ahead or bool(findings.problem.limits.met(best[None])[0]):
        return ""
    line = (
        f" The best tried mix scored {scored:.3f} {findings.unit(OVERALL)}, better than the {predicted:.3f} predicted"
    )
    line += " for the recommended one, but the limits forbid it"
    high = findings.problem.limits.room.high
    over = int(np.argmax(best - high))
    if best[over] <= high[over]:
        return f"{line}."
    name = shown(findings.domains[over])
    return f"{line}: it has {percent(best[over])} {name}, where at most {percent(high[over])} is allowed."


def _every(findings: Findings) -> int:
    """Of how many mixes one is drawn."""
    return max(1, -(-len(findings.problem.tried) * rows_shown(len(findings.domains)) // MOST_TICKS))


def _chart(findings: Findings, best: int, width: int) -> altair.LayerChart:
    tried, scores = findings.problem.tried, findings.own_sign(OVERALL, findings.on_target.observed)
    worst_first = np.argsort(-findings.on_target.observed, kind="stable")
    ranked = sorted(range(len(findings.domains)), key=lambda i: (-findings.mix[i], i))
    ranked = ranked[: rows_shown(len(ranked))]
    names = [shown(findings.domains[i]) for i in ranked]

    def rows(key: str, weights: np.ndarray, **more: Any) -> list[dict[str, Any]]:
        return [
            {"line": key, "name": name, "at": number, "value": round(float(weights[i]), 4), **more}
            for number, (i, name) in enumerate(zip(ranked, names, strict=True))
        ]

    scored = lambda i: round(float(scores[i]), 4)  # noqa: E731
    ticks = [row for i in worst_first[:: -_every(findings)][::-1] for row in rows("", tried[i], score=scored(i))]
    good = [row for i in worst_first[-best:] for row in rows(f"m{i}", tried[i])]
    ends = [float(np.quantile(scores, share)) for share in (0.02, 0.98)]
    palette = [WORSE, UNIFORM, FAINT]
    better = palette[::-1] if findings.higher(OVERALL) else palette
    largest = max(
        float(row["value"]) for row in [*ticks, *rows("", findings.mix), *rows("", findings.problem.reference)]
    )
    ticks_shown = [tick for tick in TICKS if tick <= largest and (tick >= largest / 100 or not tick)]
    shares = altair.Axis(values=ticks_shown, labelExpr="format(datum.value, '~%')", labelOverlap="greedy")
    x = altair.X("value:Q", title="share of tokens", axis=shares,
                 scale=altair.Scale(type="sqrt", domain=[0, largest], nice=False))  # fmt: skip
    y = rows_axis(names, width)
    title = f"scored ({findings.unit(OVERALL)}, {findings.better(OVERALL)})"
    legend = altair.Legend(type="gradient", offset=30, title=title, gradientLength=140, gradientThickness=10,
                           tickCount=3, titleLimit=300)  # fmt: skip
    scale = altair.Scale(domain=[ends[0], sum(ends) / 2, ends[1]], range=better, clamp=True, interpolate="rgb")
    colour = altair.Color("score:Q", legend=legend, scale=scale)
    return fitted(
        altair.layer(
            striped(names, width),
            altair.Chart(data(ticks)).mark_tick(aria=False, thickness=1.3, size=11, opacity=0.75).encode(
                x=x, y=y, color=colour
            ),
            altair.Chart(data(good)).mark_line(aria=False, strokeWidth=1.3, color=palette[0]).encode(
                x=x, y=y, detail="line:N", order="at:Q"
            ),
            *_lines(findings, rows, x, y, (1 - LABELS) * width, largest),
        ),
        width, altair.Step(ROW + 2),
    )  # fmt: skip


def _lines(findings: Findings, rows: Any, x: altair.X, y: altair.Y, wide: float, largest: float) -> list[altair.Chart]:
    """Natural and the recommended mix: a thick line each, with its name at the top.

    The axis is `wide` pixels or more, and ends at the share `largest`.
    """
    lines = [
        (findings.reference, findings.problem.reference, NATURAL, "diamond"),
        ("recommended", findings.mix, RECOMMENDED, "circle"),
    ]
    layers, tops = [], [wide * (rows("", weights)[0]["value"] / largest) ** 0.5 for _, weights, _, _ in lines]
    for (name, weights, colour, shape), (align, up) in zip(lines, _labels_at(tops[0], tops[1], wide), strict=True):
        points = [{**row, "tip": f"{name}: {row['name']} {row['value']:.1%}"} for row in rows(name, weights)]
        base = altair.Chart(data(points))
        label = altair.Chart(data([{**points[0], "text": name}]))
        layers += [
            base.mark_line(aria=False, strokeWidth=3, color=colour).encode(x=x, y=y, order="at:Q"),
            base.mark_point(filled=True, size=46, opacity=1, color=colour, shape=shape).encode(
                x=x, y=y, description="tip:N"
            ),
            label.mark_text(
                aria=False, align=align, dx=-5 if align == "left" else 5, dy=-up, color=colour, fontSize=12,
                fontWeight="bold",
            ).encode(x=x, y=y, text="text:N"),
        ]  # fmt: skip
    return layers


def _labels_at(natural: float, recommended: float, wide: float) -> list[tuple[Align, int]]:
    """How the names of two lines are aligned, and how many pixels above the first row they stand.

    Given are the pixels of the lines' tops, and of the axis. Where names would touch, natural's is a line higher.
    """
    left_of_other = APART < natural <= recommended
    aligned: list[Align] = ["right" if left_of_other or natural + APART > wide else "left"]
    aligned.append("right" if recommended + APART > wide else "left")
    starts = [top - APART * (align == "right") for top, align in zip((natural, recommended), aligned, strict=True)]
    touching = abs(starts[0] - starts[1]) < APART
    return [(aligned[0], 28 if touching else 15), (aligned[1], 15)]
