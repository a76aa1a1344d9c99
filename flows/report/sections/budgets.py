"""What the best mix gains at half and at twice the budget."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flows.report.findings import Findings, shown
from flows.report.html import folded, paragraph, table
from flows.report.words import amount, listed, percent, signed
from mixes.errors import MixError
from mixes.laws.fit import LARGE
from mixes.recommendation.predictions import capped_domains
from mixes.recommendation.problem import Problem, problem_of
from mixes.target import OVERALL

TIMES = (0.5, 1.0, 2.0)  # the budget
NAMED = 3  # capped domains that a row names


class AtBudget(NamedTuple):
    """The best mix for one budget."""

    budget: float  # tokens
    gain: float  # over the reference, on the target
    caps: dict[str, float]  # domains that lie on their cap, and the cap


def other_budgets(findings: Findings) -> str:
    """A folded table; empty where no budget limits the mix, or where optima take long."""
    rows = _at_budgets(findings)
    if len(rows) < 2:
        return ""
    unit = findings.unit(OVERALL)
    lines = [["budget (tokens)", "at their caps", f"gain over {findings.reference} ({unit})"]]
    for row in rows:
        ranked = sorted(row.caps.items(), key=lambda pair: (-pair[1], pair[0]))
        names = listed([f"{percent(cap)} {shown(name)}" for name, cap in ranked], NAMED)
        lines.append([amount(row.budget), names or "none", signed(row.gain)])
    note = (
        "The best mix for each budget, by the same laws; the correction of the gain is that of the recommended mix. "
        "Half the budget allows the same mixes as twice the repeats."
    )
    return folded("Table: other budgets", table(lines, words=2) + paragraph(note, "note"))


def _at_budgets(findings: Findings) -> list[AtBudget]:
    """The budgets that the limits can meet."""
    problem, recommendation = findings.problem, findings.recommendation
    settings = problem.question.settings
    if not recommendation.epochs or not problem.question.budget or settings.robust or settings.limits.closest:
        return []
    if settings.limits.keep or problem.question.holdings.caps or problem.tried.size > LARGE:
        return []
    here = float(problem.objective_of(problem.target).value(findings.mix[None])[0])
    rows = []
    for times in TIMES:
        if times == 1:
            mix, at = findings.mix, problem
        else:
            try:
                at = _at(problem, times)
                mix = at.solve(at.objective, at.limits, findings.mix).mix
            except MixError:  # no mix meets the limits at this budget
                continue
        score = float(problem.objective_of(problem.target).value(mix[None])[0])
        gain = recommendation.predicted[OVERALL].gain + here - score
        rows.append(AtBudget(times * problem.question.budget, gain, capped_domains(at, np.asarray(mix))))
    return rows


def _at(problem: Problem, times: float) -> Problem:
    """The same question at another budget."""
    question = problem.question
    assert question.budget
    budget = f"{times * question.budget:.0f}"
    settings = question.settings.model_copy(update={"budget": budget})
    return problem_of(replace(question, settings=settings), problem.fitted)
