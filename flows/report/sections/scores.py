"""Predicted scores by family and by task, and what came true of them."""

from typing import Any

import altair
import polars as pl

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, folded, paragraph, table
from flows.report.marks import PHONE, ROW, colours, data, fitted, rows_axis, striped, zero_line
from flows.report.theme import BETTER, NATURAL, RECOMMENDED, UNIFORM, VALIDATED, WORSE
from flows.report.words import signed
from mixes.show.recommendation import WORDS
from mixes.target import OVERALL

MOST_TASKS = 40  # that the figure shows: those that lose and those that gain most
MOST_FAMILIES = 30
MEASURED = "recommended, trained anew"


def scores(findings: Findings) -> Section:
    """Families, then tasks, then the validation or a line that there is none."""
    unit = findings.unit(OVERALL)
    note = (
        f"Gain over {findings.reference} in {unit}; 0 is as good as {findings.reference}, to the right is better. "
        f"Lines are {findings.coverage} intervals."
    )
    measured = _validation(findings)
    parts: list[Part] = [
        Figure(
            "scores",
            "How much is each family of tasks predicted to gain?",
            lambda width: _families_chart(findings, measured, width),
            note,
        )
    ]
    if measured is None:
        parts.append(paragraph(_no_validation(findings)))
    else:
        parts.append(folded("Table: what came true", table(_measured_rows(measured))))
    if len(findings.problem.fitted.runs.tasks) > len(findings.families):
        parts.append(
            Figure(
                "tasks", "Which tasks get better, and which get worse?",
                lambda width: _tasks_chart(findings, width), f"{note}{_left_out(findings)}",
            )
        )  # fmt: skip
    parts.insert(1, folded("Table: predicted scores by family", table(_score_rows(findings))))
    return Section("scores", "The scores", parts)


def _no_validation(findings: Findings) -> str:
    if findings.corpus is None:
        return "These scores are predictions. Nothing was trained on the recommended mix yet."
    return (
        "No validation yet: these scores are predictions. `mixwright validate` trains natural, uniform and the "
        "recommended mix anew and compares."
    )


def _validation(findings: Findings) -> pl.DataFrame | None:
    """The latest validation of this recommendation."""
    if findings.corpus is None or findings.corpus.validations.is_empty():
        return None
    own = findings.corpus.validations.filter(pl.col("recommendation") == findings.recommendation.id)
    return None if own.is_empty() else own.filter(pl.col("validation") == own["validation"][-1])


def _families_chart(findings: Findings, measured: pl.DataFrame | None, width: int) -> altair.LayerChart:
    predicted = findings.recommendation.predicted
    aims = [OVERALL, *findings.families][: MOST_FAMILIES + 1]
    names = [shown(aim) for aim in aims]
    rows: list[dict[str, Any]] = []
    for aim, name in zip(aims, names, strict=True):
        row = predicted[aim]
        sign = -1 if findings.higher(aim) else 1
        tip = f"{name}: {signed(row.gain)} {findings.unit(aim)}, {signed(row.gain_low)} to {signed(row.gain_high)}"
        rows.append(
            {"name": name, "series": "recommended", "value": row.gain, "low": row.gain_low, "high": row.gain_high,
             "tip": f"recommended, {tip}"}
        )  # fmt: skip
        uniform = sign * (row.natural - row.uniform)
        rows.append({"name": name, "series": "uniform", "value": uniform, "tip": f"uniform, {name}: {signed(uniform)}"})
    if measured is not None:
        rows += [
            {"name": shown(row["name"]), "series": MEASURED, "value": row["gain"], "low": row["gain_low"],
             "high": row["gain_high"], "tip": f"measured, {shown(row['name'])}: {signed(row['gain'])}"}
            for row in measured.iter_rows(named=True) if row["name"] in aims
        ]  # fmt: skip
    series = {"recommended": RECOMMENDED, "uniform": UNIFORM, **({MEASURED: VALIDATED} if measured is not None else {})}
    y = rows_axis(names, width)
    title = f"predicted gain over {findings.reference} ({findings.unit(OVERALL)}; right is better)"
    x = altair.X("value:Q", title=title if width > PHONE else "gain (right is better)", axis=altair.Axis(tickCount=5))
    colour = colours(list(series), list(series.values()))
    ranged = [row for row in rows if "low" in row]
    return fitted(
        altair.layer(
            striped(names, width),
            zero_line(0.0, NATURAL),
            altair.Chart(data(ranged)).mark_rule(aria=False, strokeWidth=4, opacity=0.35).encode(
                y=y, x="low:Q", x2="high:Q", color=colour
            ),
            altair.Chart(data(rows)).mark_point(filled=True, size=64, opacity=1).encode(
                y=y, x=x, color=colour, description="tip:N",
                shape=altair.Shape("series:N", scale=altair.Scale(
                    domain=list(series), range=["circle", "square", "triangle-up"][: len(series)]), legend=None),
            ),
        ),
        width, altair.Step(ROW + 4),
    )  # fmt: skip


def _shown_tasks(findings: Findings) -> list[str]:
    """Tasks by gain, the best first; of many, those at both ends."""
    predicted = findings.recommendation.predicted
    tasks = sorted(findings.problem.fitted.runs.tasks, key=lambda task: (-predicted[task].gain, task))
    half = MOST_TASKS // 2
    return tasks if len(tasks) <= MOST_TASKS else [*tasks[:half], *tasks[-half:]]


def _left_out(findings: Findings) -> str:
    count = len(findings.problem.fitted.runs.tasks)
    if count <= MOST_TASKS:
        return ""
    half = MOST_TASKS // 2
    return f" Of {count} tasks, the {half} that gain most and the {half} that gain least."


def _tasks_chart(findings: Findings, width: int) -> altair.LayerChart:
    predicted = findings.recommendation.predicted
    tasks = _shown_tasks(findings)
    names = [shown(task) for task in tasks]
    kinds = {"gains": BETTER, "unclear": NATURAL, "loses": WORSE}
    rows = []
    for task, name in zip(tasks, names, strict=True):
        row = predicted[task]
        kind = "gains" if row.gain_low > 0 else "loses" if row.gain_high < 0 else "unclear"
        tip = f"{name}: {signed(row.gain)} {findings.unit(task)} ({signed(row.gain_low)} to {signed(row.gain_high)})"
        rows.append({"name": name, "value": row.gain, "low": row.gain_low, "high": row.gain_high, "series": kind,
                     "tip": tip})  # fmt: skip
    present = {kind: colour for kind, colour in kinds.items() if any(row["series"] == kind for row in rows)}
    y = rows_axis(names, width)
    colour = colours(list(present), list(present.values()), columns=4)
    title = f"predicted gain over {findings.reference} ({findings.unit(tasks[0])}; right is better)"
    x = altair.X("value:Q", title=title if width > PHONE else "gain (right is better)", axis=altair.Axis(tickCount=5))
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


def _score_rows(findings: Findings) -> list[list[str]]:
    recommendation = findings.recommendation
    rows = [
        ["family", "unit", findings.reference, "uniform", "recommended", "one proxy's range", "gain",
         f"{findings.coverage} interval", "verdict"]
    ]  # fmt: skip
    for aim in (OVERALL, *findings.families):
        row = recommendation.predicted[aim]
        rows.append(
            [shown(aim), f"{findings.unit(aim)}, {findings.better(aim)}", f"{row.natural:.3f}", f"{row.uniform:.3f}",
             f"{row.mix:.3f}", f"{row.mix_low:.3f} – {row.mix_high:.3f}", signed(row.gain),
             f"{signed(row.gain_low)} – {signed(row.gain_high)}", WORDS[recommendation.verdict[aim]]]
        )  # fmt: skip
    return rows


def _measured_rows(measured: pl.DataFrame) -> list[list[str]]:
    rows = [["family", "natural", "uniform", "recommended", "gain", "90 % interval", "predicted gain", "called",
             "came true"]]  # fmt: skip
    for row in measured.iter_rows(named=True):
        rows.append(
            [shown(row["name"]), *(f"{row[name]:.3f}" for name in ("natural_bpb", "uniform_bpb", "mix_bpb")),
             signed(row["gain"]), f"{signed(row['gain_low'])} – {signed(row['gain_high'])}",
             signed(row["predicted_gain"]), WORDS[row["verdict"]], (row["came_true"] or "no call").replace("_", " ")]
        )  # fmt: skip
    return rows
