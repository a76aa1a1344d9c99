"""Predicted scores by family and by task, and what came true of them."""

import polars as pl

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, Section, folded, paragraph, table
from flows.report.sections.other_mixes import other_mixes
from flows.report.sections.score_charts import families_chart, families_left_out, tasks_chart, tasks_note
from flows.report.sections.simple_mixes import simple_note, simple_rows
from flows.report.sections.task_table import one_unit, task_rows, verdicts_note
from flows.report.words import amount, counted, interval, signed
from mixes.show.verdict import verdict_word
from mixes.target import OVERALL


def scores(findings: Findings) -> Section:
    """Families, the validation or a line that there is none, then tasks."""
    note = (
        f"Gain over {findings.reference} in {findings.unit(OVERALL)}; 0 is as good as {findings.reference}, to the "
        f"right is better. Lines are {findings.coverage} intervals."
    )
    title = "How much is each family of tasks predicted to gain?"
    aims, simple = [OVERALL, *findings.families], counted(len(findings.simple), "simple mix", "simple mixes")
    parts: list[Part] = [
        Figure("scores", title, lambda width: families_chart(findings, width),
               f"{note} {simple_note(findings)}{families_left_out(findings)}{_trained_anew(findings)}"),
        folded("Table: predicted scores by family", table(_score_rows(findings)) + verdicts_note(findings)),
        folded(f"Table: {simple} by family", table(simple_rows(findings, aims), words=2)),
        folded(f"Table: gains of all {len(findings.problem.question.families)} tasks, by family",
               table(task_rows(findings), words=2) + verdicts_note(findings)),
    ]  # fmt: skip
    if findings.measured is None:
        parts.append(paragraph(_no_validation(findings)))
    else:
        parts.append(folded("Table: what came true", table(_measured_rows(findings.measured))))
    parts += other_mixes(findings)
    if len(findings.problem.fitted.runs.tasks) > len(findings.families):
        title = "Which tasks get better, and which get worse?"
        parts.append(Figure("tasks", title, lambda width: tasks_chart(findings, width), tasks_note(findings)))
    return Section("scores", "The scores", parts)


def _no_validation(findings: Findings) -> str:
    if findings.corpus is None:
        return "These scores are predictions. Nothing was trained on the recommended mix yet."
    if findings.at:
        return (
            f"What came true is left out: these scores are predictions for {findings.at}, and `mixwright validate` "
            "trains the mix of the swarm's own size, not this one."
        )
    return (
        "No validation yet: these scores are predictions. `mixwright validate` trains natural, uniform and the "
        "recommended mix anew and compares."
    )


def _trained_anew(findings: Findings) -> str:
    """How the measured gains came about."""
    if findings.measured is None:
        return ""
    row = findings.measured.row(0, named=True)
    return f" Green was measured: {row['seeds']} seeds at {row['size']}, {amount(row['tokens'])} tokens per proxy."


def _score_rows(findings: Findings) -> list[list[str]]:
    recommendation, aims = findings.recommendation, (OVERALL, *findings.families)
    shared = one_unit(findings, aims)
    head = ["family", *([] if shared else ["unit"]), findings.reference, "uniform", "recommended"]
    head += [f"a single proxy scores ({findings.coverage})", "gain", f"{findings.coverage} interval", "verdict"]
    rows = [[f"family ({shared})" if shared else "family", *head[1:]]]
    for aim in aims:
        row = recommendation.predicted[aim]
        unit = [] if shared else [f"{findings.unit(aim)}, {findings.better(aim)}"]
        rows.append(
            [shown(aim), *unit, f"{row.natural:.3f}", f"{row.uniform:.3f}", f"{row.mix:.3f}",
             f"{row.mix_low:.3f} to {row.mix_high:.3f}", signed(row.gain), interval(row.gain_low, row.gain_high),
             verdict_word(recommendation.verdict[aim], row.gain_low, row.gain_high)]
        )  # fmt: skip
    return rows


def _measured_rows(measured: pl.DataFrame) -> list[list[str]]:
    rows = [["family", "natural", "uniform", "recommended", "gain", "90% interval", "predicted gain", "called",
             "came true"]]  # fmt: skip
    for row in measured.iter_rows(named=True):
        rows.append(
            [shown(row["name"]), *(f"{row[name]:.3f}" for name in ("natural_bpb", "uniform_bpb", "mix_bpb")),
             signed(row["gain"]), interval(row["gain_low"], row["gain_high"]), signed(row["predicted_gain"]),
             verdict_word(row["verdict"], row["predicted_gain_low"], row["predicted_gain_high"]),
             (row["came_true"] or "no call").replace("_", " ")]
        )  # fmt: skip
    return rows
