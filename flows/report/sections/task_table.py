"""Every task: its family, its scores, what it gains, and how much of the target it is."""

from collections.abc import Iterable

from flows.report.findings import Findings, shown
from flows.report.html import paragraph
from flows.report.words import interval, percent, signed
from mixes.certainty.intervals import Gain
from mixes.certainty.verdict import verdict_of
from mixes.recommendation.result import Predicted
from mixes.show.verdict import verdict_word


def task_rows(findings: Findings) -> list[list[str]]:
    """A head, and one row per task: by family, the largest gain first."""
    families, target = findings.problem.question.families, findings.problem.target
    predicted, total = findings.recommendation.predicted, sum(target.values())
    shared = one_unit(findings, families)
    head = ["family", f"task ({shared})" if shared else "task", *([] if shared else ["unit"])]
    rows = [[*head, findings.reference, "recommended", "gain", f"{findings.coverage} interval", "verdict",
             "share of the target"]]  # fmt: skip
    for family in findings.families:
        tasks = [task for task, of in families.items() if of == family]
        for task in sorted(tasks, key=lambda task: (-predicted[task].gain, task)):
            row = predicted[task]
            unit = [] if shared else [f"{findings.unit(task)}, {findings.better(task)}"]
            rows.append(
                [shown(family), shown(task), *unit, f"{row.natural:.3f}", f"{row.mix:.3f}", signed(row.gain),
                 interval(row.gain_low, row.gain_high), task_verdict(row),
                 _counted(findings, family, task, total)]
            )  # fmt: skip
    return rows


def task_verdict(row: Predicted) -> str:
    """A task's verdict, by the rule of families and the target."""
    claimed = row.gain + row.optimism
    gain = Gain(claimed, row.gain, row.gain_low, row.gain_high, row.chance, row.optimism)
    return verdict_word(verdict_of(gain, row.noise), row.gain_low, row.gain_high)


def one_unit(findings: Findings, aims: Iterable[str]) -> str:
    """Unit and direction of all these aims; empty where they differ."""
    units = {f"{findings.unit(aim)}, {findings.better(aim)}" for aim in aims}
    return units.pop() if len(units) == 1 else ""


def verdicts_note(findings: Findings) -> str:
    """The rule behind the verdicts."""
    return paragraph(
        f"Better or worse: the {findings.coverage} interval leaves out zero, and the gain is larger than the noise of "
        "a difference between two proxies. By less than noise: the interval leaves out zero, but training one proxy on "
        "each mix would not show it. Not distinguishable: the interval includes zero.",
        "note",
    )


def _counted(findings: Findings, family: str, task: str, total: float) -> str:
    """A task's share of the target, or why it has none."""
    if weight := findings.problem.target.get(task, 0.0):
        return percent(weight / total)
    counts = task in findings.recommendation.families[family]
    return "not counted" if counts else "not counted: varies by less than twice its noise"
