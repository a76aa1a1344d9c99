"""Draws the mixes that the optimum is compared with: simple ones, given ones, the worst, and the best without caps."""

from flows.explorer.draw import VERDICTS
from flows.explorer.parts import heading, plain_table
from flows.report.findings import Findings
from flows.report.html import text
from mixes.recommendation.result import Recommendation
from mixes.show.beside import beside_table, beside_words
from mixes.target import OVERALL

HEADING = "Other mixes, on the target"
WAITING = "The other mixes follow …"


def other_mixes(recommendation: Recommendation, findings: Findings) -> str:
    """A table, and what it says in words."""
    _, *rows = beside_table(recommendation)
    unit = findings.unit(OVERALL)
    names = ["mix", f"gain over {findings.reference}", "optimum gains over it", "optimum is"]
    cells = [[*row[:-1], VERDICTS[mix.verdict]] for row, mix in zip(rows, recommendation.beside, strict=True)]
    lines = "".join(f"<p>{text(line)}</p>" for line in beside_words(recommendation, unit))
    note = f"Gains in {unit}; above 0 is better. In brackets: {findings.coverage} intervals."
    table = plain_table(cells, head=names, kind="mx-others")
    return f'<div class="mx mx-side">{heading(HEADING)}{table}<p class="mx-note">{text(note)}</p>{lines}</div>'
