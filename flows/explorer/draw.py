"""Draws the optimum: gains with their intervals, and weights beside natural's."""

from flows.explorer import parts
from flows.explorer.answers import DomainRow, ScoreRow, Shown
from flows.explorer.parts import UNFOLDED, folded, heading, table_head
from flows.explorer.state import State
from flows.report.findings import Findings
from flows.report.html import text
from flows.report.words import percent, signed
from mixes.target import OVERALL

TOPS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)  # right ends of the scale, few so that it seldom jumps
VERDICTS = {"better": "better", "worse": "worse", "not_distinguishable": "too close to tell", "": "…"}


def optimum(shown: Shown, findings: Findings, state: State, waiting: str = "") -> str:
    """The optimum: scores, then weights; waiting: a line on what is still being computed."""
    line = waiting or f"With {findings.coverage} intervals."
    words = f"{heading('In words')}<p>{text(shown.summary)}</p>" if shown.summary else ""
    lines = "".join(f"<li>{text(caution)}</li>" for caution in shown.cautions)
    cautions = folded(f"Cautions ({len(shown.cautions)})", f"<ul>{lines}</ul>") if lines else ""
    status = f'<p class="mx-note" aria-live="polite">{text(line)}</p>'
    drawn = scores(shown, findings) + weights(shown, findings, state)
    return f'<div class="mx mx-side">{status}{drawn}{words}{cautions}</div>'


def scores(shown: Shown, findings: Findings) -> str:
    """A table of gains, a bar with its interval each."""
    ends = [abs(end) for row in shown.scores for end in (row.gain, *(row.interval or ()))]
    reach = max([*ends, 1e-9]) * 1.05
    head = table_head("", findings.reference, "optimum", "", f"gain, {findings.coverage} interval", "", words=1)
    rows = "".join(_score_row(row, findings, reach) for row in shown.scores)
    title = "Predicted scores (↓: lower is better)"
    if any(findings.higher(row.name) for row in shown.scores):
        title = "Predicted scores (↓: lower is better, ↑: higher)"
    return f'{heading(title)}<table class="mx-table mx-scores">{head}<tbody>{rows}</tbody></table>'


def weights(shown: Shown, findings: Findings, state: State) -> str:
    """A table of weights: a diamond for natural, a circle with its interval for the optimum."""
    largest = max(max(row.weight, row.natural, *(row.interval or ())) for row in shown.domains)
    top = next(end for end in TOPS if end >= min(largest, 1.0) - 1e-9)
    drawn = [_domain_row(row, top, state, findings) for row in shown.domains]
    head = table_head("domain", "", findings.reference, "optimum", f"{findings.coverage} interval", "epochs", words=2)
    open_ = '<table class="mx-table mx-weights">'
    table = f"{open_}{head}<tbody>{''.join(drawn[:UNFOLDED])}</tbody></table>"
    if rest := drawn[UNFOLDED:]:
        title = f"{len(rest)} more domains, the smallest by {findings.reference} share"
        table += folded(title, f"{open_}{head}<tbody>{''.join(rest)}</tbody></table>")
    return heading("Weights") + _key(findings, top) + table


def _key(findings: Findings, top: float) -> str:
    parts = (
        f'<i class="mx-natural"></i> {text(findings.reference)}',
        f'<i class="mx-best"></i> optimum, with its {text(findings.coverage)} interval',
        '<i class="mx-cap"></i> on its limit',
        f"scale: 0 to {top:.0%}",
    )
    return f'<p class="mx-key">{"".join(f"<span>{part}</span>" for part in parts)}</p>'


def _score_row(row: ScoreRow, findings: Findings, reach: float) -> str:
    def at(gain: float) -> float:
        return 50 + 50 * gain / reach

    low, high = row.interval or (row.gain, row.gain)
    start, end = sorted((50.0, at(row.gain)))
    bar = _mark(f"bar {'mx-up' if row.gain >= 0 else 'mx-down'}", start, end - start) + '<i class="mx-zero"></i>'
    if row.interval:
        bar += _mark("range", at(low), at(high) - at(low))
    interval = f"{signed(low)} to {signed(high)}" if row.interval else "…"
    unit = f"{findings.unit(row.name)} {'↑' if findings.higher(row.name) else '↓'}"
    name = f"<b>{text(row.name)}</b>" if row.name == OVERALL else text(row.name)
    cells = (
        f"<td>{name} <small>{text(unit)}</small></td>",
        f'<td class="n">{row.natural:.3f}</td><td class="n">{row.mix:.3f}</td>',
        f'<td class="mx-gain"><span class="mx-track">{bar}</span></td>',
        f'<td class="n"><b>{signed(row.gain)}</b> <small class="mx-ends">{interval}</small></td>',
        f'<td class="mx-verdict mx-{row.verdict}">{VERDICTS[row.verdict]}</td>',
    )
    return f"<tr>{''.join(cells)}</tr>"


def _domain_row(row: DomainRow, top: float, state: State, findings: Findings) -> str:
    def at(share: float) -> float:
        return min(100.0, 100 * share / top)

    low, high = row.interval or (row.weight, row.weight)
    marks = _mark("natural", at(row.natural))
    if row.interval:
        marks += _mark("range", at(low), at(high) - at(low))
    if row.cap is not None:
        marks += _mark("cap", at(row.cap))
    marks += _mark("best", at(row.weight))
    interval = f"{percent(low)} to {percent(high)}" if row.interval else "…"
    epochs = f"{row.epochs:.2f}{' (limit)' if row.cap is not None else ''}" if row.epochs is not None else "–"
    name = parts.name(row.name)
    if findings.corpus is not None:
        name = f'<a href="{text(state.address(tab="documents", domain=row.name, bucket=""))}">{name}</a>'
    cells = (
        f'<td class="mx-name">{name}</td><td class="mx-where"><span class="mx-track">{marks}</span></td>',
        f'<td class="n mx-was">{percent(row.natural)}</td><td class="n mx-now"><b>{percent(row.weight)}</b></td>',
        f'<td class="n mx-interval">{interval}</td><td class="n mx-epochs">{epochs}</td>',
    )
    return f'<tr data-domain="{text(row.name)}">{"".join(cells)}</tr>'


def _mark(kind: str, left: float, width: float | None = None) -> str:
    """A mark on a track; left, width: in percent of it."""
    wide = "" if width is None else f";width:{width:.2f}%"
    return f'<i class="mx-{kind}" style="left:{left:.2f}%{wide}"></i>'
