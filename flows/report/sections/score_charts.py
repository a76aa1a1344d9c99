"""Charts of gains: by family, predicted and measured, and by task."""

from typing import Any

import altair

from flows.report.findings import Findings, shown
from flows.report.marks import PHONE, ROW, colours, data, fitted, rows_axis, striped, zero_line
from flows.report.theme import BETTER, NATURAL, RECOMMENDED, UNIFORM, VALIDATED, WORSE
from flows.report.words import signed
from mixes.target import OVERALL

MOST_TASKS = 40  # that the figure shows: those that lose and those that gain most
MOST_FAMILIES = 30
MEASURED = "recommended, trained anew"
COLOURS = {"recommended": RECOMMENDED, "uniform": UNIFORM, MEASURED: VALIDATED}
SHAPES = {"recommended": "circle", "uniform": "square", MEASURED: "triangle-up"}
APART = 7  # pixels between what was predicted and what was measured of one family


def families_chart(findings: Findings, width: int) -> altair.LayerChart:
    """The target and the families, one row each."""
    aims = [OVERALL, *findings.families][: MOST_FAMILIES + 1]
    names = [shown(aim) for aim in aims]
    rows = {
        "recommended": [_predicted(findings, aim) for aim in aims],
        "uniform": [_uniform(findings, a) for a in aims],
    }
    measured = _measured(findings, aims)
    if measured:
        rows[MEASURED] = measured
    y = rows_axis(names, width)
    x = _gain_axis(findings, OVERALL, width)
    colour = colours(list(rows), [COLOURS[name] for name in rows])
    kinds = altair.Scale(domain=list(rows), range=[SHAPES[name] for name in rows])
    shape = altair.Shape("series:N", scale=kinds, legend=altair.Legend(title=None))
    layers: list[Any] = [striped(names, width), zero_line(0.0, NATURAL)]
    for name, series in rows.items():
        down = APART * ((name == MEASURED) - (name == "recommended")) if measured else 0
        if name != "uniform":
            rules = altair.Chart(data(series)).mark_rule(aria=False, strokeWidth=4, opacity=0.35, yOffset=down)
            layers.append(rules.encode(y=y, x="low:Q", x2="high:Q", color=colour))
        points = altair.Chart(data(series)).mark_point(filled=True, size=64, opacity=1, yOffset=down)
        layers.append(points.encode(y=y, x=x, color=colour, shape=shape, description="tip:N"))
    return fitted(altair.layer(*layers), width, altair.Step(ROW + (14 if measured else 4)))


def tasks_chart(findings: Findings, width: int) -> altair.LayerChart:
    """Tasks, the largest gain first."""
    predicted = findings.recommendation.predicted
    tasks = _shown_tasks(findings)
    names = [shown(task) for task in tasks]
    kinds = {"gains": BETTER, "unclear": NATURAL, "loses": WORSE}
    rows = []
    for task in tasks:
        row = predicted[task]
        kind = "gains" if row.gain_low > 0 else "loses" if row.gain_high < 0 else "unclear"
        rows.append({**_predicted(findings, task), "series": kind})
    present = {kind: colour for kind, colour in kinds.items() if any(row["series"] == kind for row in rows)}
    y, x = rows_axis(names, width), _gain_axis(findings, tasks[0], width)
    colour = colours(list(present), list(present.values()), columns=4)
    base = altair.Chart(data(rows))
    return fitted(
        altair.layer(
            striped(names, width),
            zero_line(0.0, NATURAL),
            base.mark_rule(aria=False, strokeWidth=4, opacity=0.35).encode(y=y, x="low:Q", x2="high:Q", color=colour),
            base.mark_point(filled=True, size=48, opacity=1).encode(y=y, x=x, color=colour, description="tip:N"),
        ),
        width, altair.Step(ROW - 2),
    )  # fmt: skip


def tasks_left_out(findings: Findings) -> str:
    """What the figure of tasks does not show."""
    count = len(findings.problem.fitted.runs.tasks)
    if count <= MOST_TASKS:
        return ""
    half = MOST_TASKS // 2
    return f" Of {count} tasks, the {half} that gain most and the {half} that gain least."


def _gain_axis(findings: Findings, aim: str, width: int) -> altair.X:
    title = f"predicted gain over {findings.reference} ({findings.unit(aim)}; right is better)"
    short = f"gain in {findings.unit(aim)} (right is better)"
    return altair.X("value:Q", title=title if width > PHONE else short, axis=altair.Axis(tickCount=5))


def _predicted(findings: Findings, aim: str) -> dict[str, Any]:
    row, name, unit = findings.recommendation.predicted[aim], shown(aim), findings.unit(aim)
    tip = f"recommended, {name}: {signed(row.gain)} {unit}, {signed(row.gain_low)} to {signed(row.gain_high)}"
    ends = {"low": row.gain_low, "high": row.gain_high}
    return {"name": name, "series": "recommended", "value": row.gain, **ends, "tip": tip}


def _uniform(findings: Findings, aim: str) -> dict[str, Any]:
    row, name = findings.recommendation.predicted[aim], shown(aim)
    gain = (row.uniform - row.natural) if findings.higher(aim) else (row.natural - row.uniform)
    tip = f"uniform, {name}: {signed(gain)} {findings.unit(aim)}"
    return {"name": name, "series": "uniform", "value": gain, "tip": tip}


def _measured(findings: Findings, aims: list[str]) -> list[dict[str, Any]]:
    """The validation's gains; empty without one."""
    if findings.measured is None:
        return []
    return [
        {"name": shown(row["name"]), "series": MEASURED, "value": row["gain"], "low": row["gain_low"],
         "high": row["gain_high"], "tip": f"measured, {shown(row['name'])}: {signed(row['gain'])} bpb, "
         f"{signed(row['gain_low'])} to {signed(row['gain_high'])}"}
        for row in findings.measured.iter_rows(named=True) if row["name"] in aims
    ]  # fmt: skip


def _shown_tasks(findings: Findings) -> list[str]:
    """Tasks by gain, the best first; of many, those at both ends."""
    predicted = findings.recommendation.predicted
    tasks = sorted(findings.problem.fitted.runs.tasks, key=lambda task: (-predicted[task].gain, task))
    half = MOST_TASKS // 2
    return tasks if len(tasks) <= MOST_TASKS else [*tasks[:half], *tasks[-half:]]
