"""Draws two mixes side by side."""

from collections.abc import Sequence

from flows.explorer.compare import Compared
from flows.explorer.draw import VERDICTS
from flows.explorer.parts import UNFOLDED, folded, heading, plain_table
from flows.report.findings import Findings
from flows.report.words import percent, signed


def side_by_side(compared: Compared, findings: Findings, domains: Sequence[str]) -> str:
    """Scores with intervals, the difference, and weights."""
    scored = f"{heading('Predicted scores')}{_scores(compared, findings)}"
    line = f"In brackets: between these a single proxy's score lies, in {findings.coverage} of cases."
    return f'<div class="mx mx-side">{scored}<p class="mx-note">{line}</p>{_weights(compared, domains)}</div>'


def _scores(compared: Compared, findings: Findings) -> str:
    sides = (compared.left, compared.right)
    better = f"{compared.right.name} gains, {findings.coverage} interval"
    rows = []
    for name, gain in compared.gains.items():
        cells = ["{:.3f} ({:.3f} to {:.3f})".format(*side.scores[name]) for side in sides]
        difference = f"{signed(gain.value)} ({signed(gain.low)} to {signed(gain.high)})"
        rows.append([f"{name} ({findings.unit(name)})", *cells, difference, VERDICTS[compared.verdicts[name]]])
    return plain_table(rows, head=["", *(side.name for side in sides), better, ""], kind="mx-tight")


def _weights(compared: Compared, domains: Sequence[str]) -> str:
    left, right = compared.left.mix, compared.right.mix
    head = ["domain", compared.left.name, compared.right.name, "difference, points"]
    rows = [
        [domains[i], percent(float(left[i])), percent(float(right[i])), signed(100 * float(right[i] - left[i]), 1)]
        for i in sorted(range(len(domains)), key=lambda i: (-max(left[i], right[i]), domains[i]))
    ]
    table = heading("Weights") + plain_table(rows[:UNFOLDED], head=head)
    rest = rows[UNFOLDED:]
    return table + (folded(f"{len(rest)} more domains", plain_table(rest, head=head)) if rest else "")
