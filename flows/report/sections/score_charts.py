"""Charts of gains: by family, predicted and measured, and by task."""

from typing import Any

import altair

from flows.report.findings import Findings, shown
from flows.report.key import PALE, Sign, hollow_sign, key, keyed_room, range_sign, recommended_sign, with_key
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
from flows.report.theme import BETTER, GRID, INK, MUTED, NATURAL, RECOMMENDED, UNIFORM, VALIDATED, WORSE
from flows.report.words import signed
from mixes.target import OVERALL

MOST_TASKS = 40  # that the figure shows: those that lose and those that gain most
MOST_PANELS = 12  # the target and families; the others are in the table
CHOSEN, MEASURED = "recommended", "trained anew"
COLOURS = {CHOSEN: RECOMMENDED, MEASURED: VALIDATED}
NAMES = 92  # pixels of the names of mixes
KINDS = {"gains": Sign("gains", BETTER), "unclear": Sign("unclear: the interval holds 0", NATURAL),
         "loses": Sign("loses", WORSE)}  # fmt: skip
TITLE_LETTER = 6.0  # pixels of a character of an axis's title
PANEL_ROW = 15  # pixels of a row


def families_chart(findings: Findings, width: int) -> altair.VConcatChart:
    """A panel for the target and for each family: the recommended mix, what was measured, simple mixes."""
    aims = [OVERALL, *findings.families][:MOST_PANELS]
    columns, gap = panel_columns(len(aims), 3, width), 26
    each = (width - NAMES - columns * 8 - (columns - 1) * gap) // columns
    panels = [_panel(findings, aim, each, number % columns == 0) for number, aim in enumerate(aims)]
    signs = [recommended_sign(), Sign("simple mix", UNIFORM)]
    signs += [Sign("measured: trained anew", VALIDATED)] if findings.measured is not None else []
    signs += [] if all(mix.allowed for mix in findings.simple) else [hollow_sign("breaks a limit", UNIFORM)]
    signs.append(range_sign(f"{findings.coverage} interval", MUTED))
    return with_key(altair.concat(*panels, columns=columns, spacing=gap), signs, width - NAMES)


def families_left_out(findings: Findings) -> str:
    """What the figure of families does not show."""
    count = len(findings.families)
    return f" Of {count} families, the {MOST_PANELS - 1} that count most." if count >= MOST_PANELS else ""


def _panel(findings: Findings, aim: str, width: int, named: bool) -> Any:
    """One aim, a row for each mix."""
    rows = [_predicted(findings, aim), *_measured(findings, aim)]
    for baseline, gain in zip(findings.simple, findings.simple_gains[aim], strict=True):
        tip = f"{baseline.name}, {shown(aim)}: {signed(gain.value)} {findings.unit(aim)}"
        tip += f", {signed(gain.low)} to {signed(gain.high)}"
        ends = {"low": gain.low, "high": gain.high}
        rows.append({"name": baseline.name, "value": gain.value, **ends, "tip": tip, "allowed": baseline.allowed})
    names = [row["name"] for row in rows]
    axis = altair.Axis(title=None, labels=named, labelOverlap=False, labelLimit=NAMES)
    y = altair.Y("name:N", sort=names, axis=axis, scale=altair.Scale(domain=names))
    title = f"gain over {findings.reference} ({findings.unit(aim)})"
    x = altair.X(
        "value:Q", title=title if len(title) * TITLE_LETTER < width else f"gain ({findings.unit(aim)})",
        axis=altair.Axis(tickCount=3), scale=altair.Scale(zero=True, padding=6),
    )  # fmt: skip
    rows = [{**row, "colour": COLOURS.get(row["name"], UNIFORM), "hollow": not row["allowed"]} for row in rows]
    colour = altair.Color("colour:N", scale=None)
    lines = altair.Chart(data(rows)).mark_rule(aria=False, strokeWidth=4, opacity=PALE)
    return altair.layer(
        heading(shown(aim), width),
        altair.Chart(data([{"name": name} for name in names])).mark_rule(aria=False, color=GRID).encode(y=y),
        zero_line(0.0, INK),
        lines.encode(y=y, x=altair.X("low:Q"), x2="high:Q", color=colour),
        *points(rows, 52, x=x, y=y),
    ).properties(width=width, height=altair.Step(PANEL_ROW))


def tasks_chart(findings: Findings, width: int) -> altair.LayerChart:
    """Tasks, the largest gain first."""
    predicted = findings.recommendation.predicted
    tasks = _shown_tasks(findings)
    names = [shown(task) for task in tasks]
    rows = []
    for task in tasks:
        row = predicted[task]
        kind = "gains" if row.gain_low > 0 else "loses" if row.gain_high < 0 else "unclear"
        rows.append({**_predicted(findings, task), "name": shown(task), "kind": kind, "colour": KINDS[kind].colour})
    kinds = [KINDS[kind] for kind in KINDS if any(row["kind"] == kind for row in rows)]
    y, x = rows_axis(names, width), _gain_axis(findings, tasks[0], width)
    base = altair.Chart(data(rows))
    return fitted(
        altair.layer(
            key([*kinds, range_sign(f"{findings.coverage} interval", MUTED)], keyed_room(width)),
            striped(names, width),
            zero_line(0.0, NATURAL),
            base.mark_rule(aria=False, strokeWidth=4, opacity=PALE).encode(
                y=y, x="low:Q", x2="high:Q", color=altair.Color("colour:N", scale=None)
            ),
            *points(rows, 48, x=x, y=y),
        ),
        width, altair.Step(ROW - 2),
    )  # fmt: skip


def tasks_note(findings: Findings) -> str:
    """How many tasks gain and lose, and which of them the figure shows."""
    tasks = findings.problem.fitted.runs.tasks
    rows = [findings.recommendation.predicted[task] for task in tasks]
    gain, lose = sum(row.gain_low > 0 for row in rows), sum(row.gain_high < 0 for row in rows)
    counts = (
        f"Of {len(tasks)} tasks, {gain} gain and {lose} lose with their whole {findings.coverage} interval; the other "
        f"{len(tasks) - gain - lose} are unclear."
    )
    if len(tasks) <= MOST_TASKS:
        return counts
    half = MOST_TASKS // 2
    return f"{counts} The figure has the {half} that gain most and the {half} that gain least; the table above has all."


def _gain_axis(findings: Findings, aim: str, width: int) -> altair.X:
    title = f"predicted gain over {findings.reference} ({findings.unit(aim)}; right is better)"
    short = f"gain in {findings.unit(aim)} (right is better)"
    return altair.X("value:Q", title=title if width > PHONE else short, axis=altair.Axis(tickCount=5))


def _predicted(findings: Findings, aim: str) -> dict[str, Any]:
    row, unit = findings.recommendation.predicted[aim], findings.unit(aim)
    tip = f"{CHOSEN}, {shown(aim)}: {signed(row.gain)} {unit}, {signed(row.gain_low)} to {signed(row.gain_high)}"
    return {"name": CHOSEN, "value": row.gain, "low": row.gain_low, "high": row.gain_high, "tip": tip, "allowed": True}


def _measured(findings: Findings, aim: str) -> list[dict[str, Any]]:
    """The validation's gain; empty without one."""
    if findings.measured is None:
        return []
    return [
        {"name": MEASURED, "value": row["gain"], "low": row["gain_low"], "high": row["gain_high"], "allowed": True,
         "tip": f"measured, {shown(aim)}: {signed(row['gain'])} bpb, {signed(row['gain_low'])} to "
         f"{signed(row['gain_high'])}"}
        for row in findings.measured.iter_rows(named=True) if row["name"] == aim
    ]  # fmt: skip


def _shown_tasks(findings: Findings) -> list[str]:
    """Tasks by gain, the best first; of many, those at both ends."""
    predicted = findings.recommendation.predicted
    tasks = sorted(findings.problem.fitted.runs.tasks, key=lambda task: (-predicted[task].gain, task))
    half = MOST_TASKS // 2
    return tasks if len(tasks) <= MOST_TASKS else [*tasks[:half], *tasks[-half:]]
