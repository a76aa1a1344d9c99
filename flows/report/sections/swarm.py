"""The swarm as parallel coordinates: a row per domain, a tick per run, and lines of the mixes that matter."""

from typing import Any

import altair
import numpy as np

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Section
from flows.report.key import Sign, key, keyed_room, recommended_sign, reference_sign
from flows.report.marks import ROW, data, fitted, in_chart, points, rows_axis, rows_shown, striped
from flows.report.sections.best_runs import BestRun, best_runs, best_runs_words, numbered_marks
from flows.report.theme import BETTER, FAINT, INK, MUTED, NATURAL, RECOMMENDED, WORSE
from flows.report.ticks import root_end, root_ticks
from flows.report.words import percent
from mixes.target import OVERALL

MOST_TICKS = 6_000  # in all
NEAR = 0.01  # a run this near a share has tried it: one percentage point
LOOSE = 4  # pixels that a row is taller than elsewhere
UPRIGHT = "M-0.16,-1H0.16V1H-0.16Z"
OVER, GAP = "M-1.6,-0.8H1.6V0.8H-1.6Z", "M-1.3,-0.25H1.3V0.25H-1.3Z"
Row = dict[str, Any]


def swarm(findings: Findings) -> Section:
    """One figure."""
    count, every = len(findings.problem.tried), _every(findings)
    drawn = f" One run in {every} is drawn." if every > 1 else ""
    rows = rows_shown(len(findings.domains))
    rest = len(findings.domains) - rows
    left_out = f" The {rows} largest domains; {rest} others are left out." if rest else ""
    note = (
        f"A row per domain; a tick for its share in each of the {count} tried mixes.{drawn} The scale widens small "
        f"shares.{left_out}{findings.carried}"
    )
    title = "Which mixes were tried, and which scored best on the target?"
    return Section("swarm", "The swarm", [Figure("swarm", title, lambda width: _chart(findings, width), note)])


def _every(findings: Findings) -> int:
    """Of how many mixes one is drawn."""
    return max(1, -(-len(findings.problem.tried) * rows_shown(len(findings.domains)) // MOST_TICKS))


def _chart(findings: Findings, width: int) -> altair.LayerChart:
    tried = findings.problem.tried
    ranked = sorted(range(len(findings.domains)), key=lambda i: (-findings.mix[i], i))
    ranked = ranked[: rows_shown(len(ranked))]
    names, best = [shown(findings.domains[i]) for i in ranked], best_runs(findings)
    largest = max(float(tried[:, ranked].max()), float(findings.mix.max()), float(findings.problem.reference.max()))
    end, room = root_end(largest), keyed_room(width)
    shares = altair.Axis(values=list(root_ticks(end, room)), labelExpr="format(datum.value, '~%')", labelOverlap=False)
    x = altair.X("value:Q", title="share of the training tokens", axis=shares,
                 scale=altair.Scale(type="sqrt", domain=[0, end], nice=False))  # fmt: skip
    y = rows_axis(names, width)
    high = findings.problem.limits.room.high
    caps = [{"name": name, "value": float(high[i]), "end": end}
            for i, name in zip(ranked, names, strict=True) if high[i] < end]  # fmt: skip
    gaps = _gaps(findings, ranked, names)
    lines = np.stack([findings.mix, findings.problem.reference], axis=1)  # (n_domains, 2)
    return fitted(
        altair.layer(
            key(_signs(findings, bool(caps), gaps, best), room, above=22),
            striped(names, width),
            altair.Chart(data(caps)).mark_bar(aria=False, color=FAINT, opacity=0.28, height=ROW - 1).encode(
                x=x, x2="end:Q", y=y
            ),
            altair.Chart(data(gaps)).mark_bar(aria=False, color=WORSE, opacity=0.3, height=5).encode(
                x=x, x2="end:Q", y=y
            ),
            _ticks(findings, ranked, names).encode(x=x, y=y),
            *_lines(findings, ranked, names, x, y),
            *numbered_marks(
                best, ranked, names, x, y, lambda share: room * (share / end) ** 0.5, lines, ROW + LOOSE
            ),
            *_left_out(tried[:, ranked], names, y, width),
        ),
        width, altair.Step(ROW + LOOSE),
    ).properties(title=_title(findings, best, gaps, ranked, width))  # fmt: skip


def _signs(findings: Findings, capped: bool, gaps: list[Row], best: list[BestRun]) -> list[Sign]:
    unit = findings.unit(OVERALL)
    signs = [recommended_sign(), reference_sign(findings.reference)]
    for words, end, colour in _thirds(findings):
        signs.append(
            Sign(f"{words}: to {float(findings.own_sign(OVERALL, np.array(end))):.2f} {unit}", colour, UPRIGHT)
        )
    signs += [Sign("over the domain's cap", FAINT, OVER, opacity=0.28)] if capped else []
    signs += [Sign("no run near recommended", WORSE, GAP, opacity=0.3)] if gaps else []
    ones = [run for run in best if run.allowed], [run for run in best if not run.allowed]
    signs += [Sign("best runs, within the limits", INK)] if ones[0] else []
    signs += [Sign("best runs that break a limit", INK, hollow=True)] if ones[1] else []
    return signs


def _title(
    findings: Findings, best: list[BestRun], gaps: list[Row], ranked: list[int], width: int
) -> altair.TitleParams:
    """What the chart shows, in its own words: the best runs, and where nothing was tried."""
    lines = best_runs_words(findings, best)
    if gaps:
        lines.append(
            f"For {len(gaps)} of {len(ranked)} domains, no run is within one percentage point of the recommended share."
        )
    return in_chart(lines, width)


def _gaps(findings: Findings, ranked: list[int], names: list[str]) -> list[Row]:
    """Where no run is near the recommended share of a domain: from the nearest share below that was tried to the
    nearest above."""
    rows = []
    for i, name in zip(ranked, names, strict=True):
        share, shares = float(findings.mix[i]), findings.problem.tried[:, i]
        if np.abs(shares - share).min() > NEAR:
            below, above = shares[shares < share], shares[shares > share]
            rows.append({"name": name, "value": float(below.max()) if len(below) else 0.0,
                         "end": float(above.min()) if len(above) else share})  # fmt: skip
    return rows


def _thirds(findings: Findings) -> list[tuple[str, float, str]]:
    """The best, the middle and the worst third of the runs: what it is called, its last score, and its colour.

    Blue is better and orange worse, as everywhere in the report.
    """
    ends = np.quantile(findings.on_target.observed, (1 / 3, 2 / 3, 1))  # lower is better
    called = (("best third of the runs", BETTER), ("middle third", FAINT), ("worst third", WORSE))
    return [(words, float(end), colour) for (words, colour), end in zip(called, ends, strict=True)]


def _ticks(findings: Findings, ranked: list[int], names: list[str]) -> altair.Chart:
    """One tick per run and domain, the best runs last."""
    observed = findings.on_target.observed
    ends, colours = [end for _, end, _ in _thirds(findings)], [colour for _, _, colour in _thirds(findings)]
    rows = [
        {"name": name, "value": round(float(findings.problem.tried[run, i]), 4),
         "colour": colours[min(int(np.searchsorted(ends, observed[run])), 2)]}
        for run in np.argsort(-observed, kind="stable")[:: -_every(findings)][::-1]
        for i, name in zip(ranked, names, strict=True)
    ]  # fmt: skip
    tick = altair.Chart(data(rows)).mark_tick(aria=False, thickness=1.3, size=11, opacity=0.8)
    return tick.encode(color=altair.Color("colour:N", scale=None))


def _left_out(tried: np.ndarray, names: list[str], y: altair.Y, width: int) -> list[altair.Chart]:
    """How many runs have nothing of a domain, at the right end of its row."""
    counts = (tried <= 0).sum(axis=0)
    rows = [{"name": name, "text": f"{count}" if count else ""} for name, count in zip(names, counts, strict=True)]
    head = [{"name": names[0], "text": "runs at 0%"}]
    style: dict[str, Any] = {"aria": False, "align": "right", "fontSize": 11, "color": MUTED}
    return [
        altair.Chart(data(rows)).mark_text(dx=ROOM_RIGHT, **style).encode(y=y, x=altair.value("width"), text="text:N"),
        altair.Chart(data(head))
        .mark_text(dx=ROOM_RIGHT, dy=-16, **style)
        .encode(y=y, x=altair.value("width"), text="text:N"),
    ]


ROOM_RIGHT = 32  # pixels right of the axis


def _lines(findings: Findings, ranked: list[int], names: list[str], x: altair.X, y: altair.Y) -> list[altair.Chart]:
    """Natural and the recommended mix: a thick line each."""
    layers = []
    for called, weights, colour, shape in (
        (findings.reference, findings.problem.reference, NATURAL, "diamond"),
        ("recommended", findings.mix, RECOMMENDED, "circle"),
    ):
        rows = [
            {"name": name, "at": number, "value": round(float(weights[i]), 4), "colour": colour, "shape": shape,
             "tip": f"{called}: {name} {percent(float(weights[i]))}"}
            for number, (i, name) in enumerate(zip(ranked, names, strict=True))
        ]  # fmt: skip
        line = altair.Chart(data(rows)).mark_line(aria=False, strokeWidth=2.5, color=colour)
        layers += [line.encode(x=x, y=y, order="at:Q"), *points(rows, 46, x=x, y=y)]
    return layers
