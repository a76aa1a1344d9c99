"""The swarm's mixes with their measured scores."""

import numpy as np

from flows.explorer.compare import OPTIMUM
from flows.explorer.parts import plain_table
from flows.explorer.state import State
from flows.report.findings import Findings
from flows.report.words import percent
from mixes.target import OVERALL

MOST = 200  # mixes that are listed
LARGEST = 3  # domains that a row names


def swarm_table(findings: Findings, state: State) -> str:
    """One row per mix, the best on the target first; its name leads to the comparison with the optimum."""
    problem = findings.problem
    runs, by_mix = problem.fitted.runs, problem.fitted.runs.by_mix()
    aims = (OVERALL, *findings.families)
    scores = by_mix.scores()  # (n_tasks, n_mixes)
    tasks = {task: number for number, task in enumerate(by_mix.tasks)}
    measured = np.array(
        [sum(weight * scores[tasks[task]] for task, weight in problem.aims[aim].items() if weight) for aim in aims]
    )  # (n_aims, n_mixes)
    counts = {name: list(runs.groups()).count(name) for name in by_mix.mixes}
    head = ["mix", "runs", *(f"{aim} ({findings.unit(aim)})" for aim in aims), "largest domains"]
    rows, links = [], {}
    for row, column in enumerate(np.argsort(measured[0], kind="stable")[:MOST]):
        name, weights = by_mix.mixes[column], by_mix.weights()[column]
        largest = [domain for domain in np.argsort(-weights, kind="stable")[:LARGEST] if weights[domain]]
        words = ", ".join(f"{runs.domains[i]} {percent(float(weights[i]))}" for i in largest)
        own = [
            f"{float(findings.own_sign(aim, value)):.3f}" for aim, value in zip(aims, measured[:, column], strict=True)
        ]
        rows.append([name, counts[name], *own, words])
        links[row] = state.address(tab="compare", left=str(name), right=OPTIMUM)
    cut = f" The best {MOST} of {len(by_mix.mixes)}." if len(by_mix.mixes) > MOST else ""
    line = f'<p class="mx-note">Measured scores, best on the target first; {len(runs)} runs.{cut} A name leads to the '
    table = plain_table(rows, head=head, links=links, kind="mx-tight")
    return f'<div class="mx">{line}comparison with the optimum.</p>{table}</div>'
