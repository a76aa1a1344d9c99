"""Predicted scores by family and by task, and what came true of them."""

import polars as pl

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, folded, paragraph, table
from flows.report.sections.score_charts import families_chart, tasks_chart, tasks_left_out
from flows.report.words import amount, signed
from mixes.show.recommendation import WORDS
from mixes.target import OVERALL


def scores(findings: Findings) -> Section:
    """Families, the validation or a line that there is none, then tasks."""
    note = (
        f"Gain over {findings.reference} in {findings.unit(OVERALL)}; 0 is as good as {findings.reference}, to the "
        f"right is better. Lines are {findings.coverage} intervals."
    )
    title = "How much is each family of tasks predicted to gain?"
    parts: list[Part] = [
        Figure("scores", title, lambda width: families_chart(findings, width), f"{note}{_trained_anew(findings)}"),
        folded("Table: predicted scores by family", table(_score_rows(findings))),
    ]
    if findings.measured is None:
        parts.append(paragraph(_no_validation(findings)))
    else:
        parts.append(folded("Table: what came true", table(_measured_rows(findings.measured))))
    if len(findings.problem.fitted.runs.tasks) > len(findings.families):
        title = "Which tasks get better, and which get worse?"
        note += tasks_left_out(findings)
        parts.append(Figure("tasks", title, lambda width: tasks_chart(findings, width), note))
    return Section("scores", "The scores", parts)


def _no_validation(findings: Findings) -> str:
    if findings.corpus is None:
        return "These scores are predictions. Nothing was trained on the recommended mix yet."
    return (
        "No validation yet: these scores are predictions. `mixwright validate` trains natural, uniform and the "
        "recommended mix anew and compares."
    )


def _trained_anew(findings: Findings) -> str:
    """How the measured gains came about."""
    if findings.measured is None:
        return ""
    row = findings.measured.row(0, named=True)
    return f" Triangles were measured: {row['seeds']} seeds at {row['size']}, {amount(row['tokens'])} tokens per proxy."


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
