"""Whether to believe it: health checks, predicted against observed, calibration, signal to noise, cautions."""

from typing import Any

import altair

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, paragraph, text
from flows.report.key import LINE, PALE, UPRIGHT, Sign, key, keyed_room, range_sign, with_key
from flows.report.marks import (
    PHONE,
    ROW,
    data,
    fitted,
    heading,
    panel_columns,
    points,
    rows_axis,
    striped,
    zero_line,
)
from flows.report.theme import FAINT, INK, MUTED, NATURAL, WORSE
from flows.report.words import closed, percent
from mixes.certainty.noise import CLEAR, spreads
from mixes.explain.held_out import HeldOut, held_out
from mixes.target import OVERALL

MOST_FACETS, MOST_TASKS, MOST_POINTS = 6, 24, 400
SMALL_LETTER = 5.4  # pixels of a character of the words under a panel's title
CLEARLY: dict[str, Any] = {"colour": INK, "shape": "circle"}
UNCLEARLY: dict[str, Any] = {"colour": NATURAL, "shape": "triangle-down"}
KINDS = (("clear", "can tell mixes apart", CLEARLY), ("unclear", "says little about mixes", UNCLEARLY))
FAR = 200  # ratio of the ends of an axis from which only powers of ten are labelled
CHECKED = ("outside_swarm", "on_bound", "unclear_tasks")  # cautions that a health check repeats


def trust(findings: Findings) -> Section:
    """The checks first, then the figures behind them."""
    cautions = [
        paragraph(closed(f"Caution: {caution.text}."))
        for caution in findings.recommendation.cautions
        if caution.kind not in CHECKED
    ]
    held = {aim: held_out(findings.problem, aim) for aim in (OVERALL, *findings.families)[:MOST_FACETS]}
    held_note = f"Each point is a tried mix, predicted by laws that were fitted without it.{findings.carried}"
    if findings.at:
        held_note += " How well laws carry over from size to size is not among what is checked here."
    parts: list[Part] = [
        _list(findings),
        *cautions,
        Figure("held-out", "Do the laws predict mixes that they have not seen?",
               lambda width: _facets(findings, held, width), held_note),
        Figure("calibration", "Do intervals hold as often as they say?", lambda width: _calibration(findings, width),
               "Share of held-out mixes whose score on the target lies in its interval. On the line, intervals are "
               "right. Above it they are cautious: wider than needed, which is the safe side. Below it they are too "
               "narrow. Over all mixes they are right by construction, so look at the mixes predicted best, where the "
               "recommendation lies."),
        Figure("signal", "Which tasks can tell mixes apart?", lambda width: _signal(findings, width),
               "How far a task's score varies between mixes, in units of its noise. Below "
               f"{CLEAR:g} a task says little about mixes.{_left_out(findings)}"),
    ]  # fmt: skip
    return Section("trust", "Should I believe it?", parts)


def _list(findings: Findings) -> str:
    items = "".join(
        f'<li><span class="badge {check.status}">{check.status}</span> <b>{text(check.name)}.</b> '
        f"{text(check.sentence)}</li>"
        for check in findings.checks
    )
    return f'<ul class="checks">{items}</ul>'


def _facets(findings: Findings, held: dict[str, HeldOut], width: int) -> altair.VConcatChart:
    columns, gap = panel_columns(len(held), 3, width), 30
    each = (width - columns * 52 - (columns - 1) * gap) // columns
    charts = [_facet(findings, aim, scored, min(each, 280)) for aim, scored in held.items()]
    signs = [Sign("a run, predicted without it", MUTED), range_sign(f"{findings.coverage} interval", FAINT),
             Sign("prediction equals score", INK, LINE)]  # fmt: skip
    return with_key(altair.concat(*charts, columns=columns, spacing=gap), signs, width - 60)


def _facet(findings: Findings, aim: str, scored: HeldOut, width: int) -> Any:
    predicted, observed, low, high = (
        findings.own_sign(aim, values) for values in (scored.predicted, scored.observed, scored.low, scored.high)
    )
    every = max(1, -(-len(predicted) // MOST_POINTS))
    rows = [
        {"x": float(p), "y": float(o), "low": float(min(a, b)), "high": float(max(a, b)), "colour": MUTED,
         "tip": f"{shown(name)}: predicted {p:.3f}, scored {o:.3f}"}
        for name, p, o, a, b in zip(scored.mixes, predicted, observed, low, high, strict=True)
    ][::every]  # fmt: skip
    ends = [float(min(predicted.min(), observed.min())), float(max(predicted.max(), observed.max()))]
    scale, unit = altair.Scale(domain=ends, zero=False, nice=True), findings.unit(aim)
    axis = altair.Axis(grid=True, tickCount=3)
    x = altair.X("x:Q", title=f"predicted ({unit})", scale=scale, axis=axis)
    y = altair.Y("y:Q", title=f"scored ({unit})", scale=scale, axis=axis)
    diagonal = altair.Chart(data([{"x": end, "y": end} for end in ends])).mark_line(
        aria=False, color=INK, strokeWidth=1
    )
    ranges = altair.Chart(data(rows)).mark_rule(aria=False, color=FAINT, opacity=PALE, clip=True)
    words = [f"rank correlation {scored.rank_correlation:.2f}", f"misses by {scored.error:.3f} {unit}"]
    below = [", ".join(words)] if len(", ".join(words)) * SMALL_LETTER < width else words
    return altair.layer(
        heading(shown(aim), width, *below),
        ranges.encode(x=altair.X("low:Q"), x2="high:Q", y=y),
        *points(rows, 22, x=x, y=y),
        diagonal.encode(x=x, y=y),
    ).properties(width=width, height=min(width, 190))


def _calibration(findings: Findings, width: int) -> altair.LayerChart:
    names = ("all mixes", f"the {findings.coverages[0].count} predicted best")
    rows: list[dict[str, Any]] = [
        {"x": row.nominal, "y": value, "series": name, "tip": f"{name}: {value:.0%} inside {row.nominal:.0%} intervals"}
        for row in findings.coverages
        for name, value in zip(names, (row.of_all, row.of_best), strict=True)
    ]
    percents = altair.Axis(format=".0%", grid=True, tickCount=6)
    scale = altair.Scale(domain=[0.45, 1.0], nice=False)
    low = min(0.45, *(row["y"] for row in rows))
    x = altair.X("x:Q", title="share that the interval should hold", axis=percents, scale=scale)
    y = altair.Y("y:Q", title="share that it holds", axis=percents, scale=altair.Scale(domain=[low, 1.0], nice=False))
    diagonal = altair.Chart(data([{"x": end, "y": end} for end in (0.45, 1.0)])).mark_line(
        aria=False, color=INK, strokeWidth=1
    )
    signs = [Sign(names[1], INK), Sign(names[0], NATURAL, "diamond"), Sign("as often as stated", INK, LINE)]
    layers: list[Any] = [key(signs, width - 60), diagonal.encode(x=x, y=y)]
    for sign in signs[1::-1]:
        own = [{**row, "colour": sign.colour, "shape": sign.shape} for row in rows if row["series"] == sign.words]
        line = altair.Chart(data(own)).mark_line(aria=False, strokeWidth=1.5, color=sign.colour)
        layers += [line.encode(x=x, y=y), *points(own, 50, x=x, y=y)]
    return fitted(altair.layer(*layers), width, 200)


def _ratios(findings: Findings) -> list[tuple[str, float]]:
    """Task → spread over mixes ÷ noise, the clearest first."""
    noise = findings.problem.noise.at_one_seed
    ratios = {task: spread / max(noise[task], 1e-12) for task, spread in spreads(findings.problem.fitted.runs).items()}
    return sorted(ratios.items(), key=lambda pair: (-pair[1], pair[0]))


def _left_out(findings: Findings) -> str:
    """What the figure leaves out."""
    count = len(findings.problem.fitted.runs.tasks)
    return f" Of {count} tasks, the {MOST_TASKS} that vary least are shown." if count > MOST_TASKS else ""


def _signal(findings: Findings, width: int) -> altair.LayerChart:
    rows: list[dict[str, Any]] = [
        {"name": shown(task), "value": ratio, "series": "clear" if ratio >= CLEAR else "unclear",
         **(CLEARLY if ratio >= CLEAR else UNCLEARLY),
         "tip": f"{shown(task)}: {ratio:.1f} times its noise, {percent(findings.problem.target.get(task, 0.0))} of the "
         "target"}
        for task, ratio in _ratios(findings)[-MOST_TASKS:]
    ]  # fmt: skip
    names = [row["name"] for row in rows]
    y = rows_axis(names, width)
    ends = [0.9 * min(1, *(row["value"] for row in rows)), 1.1 * max(3, *(row["value"] for row in rows))]
    scale = altair.Scale(type="log", domain=ends, nice=False)
    wide = ends[1] > FAR * ends[0]
    values = [10.0**power for power in range(12)] if wide else [0.5, 1, 2, 5, 10, 20, 50, 100]
    ticks = altair.Axis(values=values, format="~s" if wide else "~g")
    x = altair.X(
        "value:Q",
        title="spread between mixes ÷ noise (log scale)" if width > PHONE else "spread ÷ noise (log scale)",
        scale=scale,
        axis=ticks,
    )
    signs = [Sign(words, **style) for kind, words, style in KINDS if any(row["series"] == kind for row in rows)]
    return fitted(
        altair.layer(
            key([*signs, Sign(f"{CLEAR:g} times the noise", WORSE, UPRIGHT)], keyed_room(width)),
            striped(names, width),
            zero_line(CLEAR, WORSE),
            *points(rows, 56, x=x, y=y),
        ),
        width, altair.Step(ROW - 2),
    )  # fmt: skip
