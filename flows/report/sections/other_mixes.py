"""Other mixes beside the recommended one, on the target: simple ones, one's own, the worst, what each cap costs."""

from typing import Any

import altair

from flows.report.figure import Figure
from flows.report.findings import Findings, shown
from flows.report.html import Part, folded, paragraph, table
from flows.report.key import PALE, Sign, hollow_sign, range_sign, recommended_sign, reference_sign, with_key
from flows.report.marks import LABELS, PHONE, ROW, data, heading, points, rows_axis, striped, zero_line
from flows.report.theme import FAMILIES, INK, MUTED, NATURAL, RECOMMENDED, UNIFORM, WORSE
from flows.report.words import signed
from mixes.recommendation.result import Beside, BesideKind
from mixes.show.beside import beside_table, beside_words, called
from mixes.target import OVERALL

COLOURS: dict[BesideKind, str] = {
    "simple": UNIFORM, "given": FAMILIES[3], "worst": WORSE, "uncapped": FAMILIES[5], "one_cap": FAMILIES[5],
}  # fmt: skip
ZERO = (0.0, 0.0, 0.0)
GAP = 20  # pixels between panels
SPARE = 16  # pixels that an axis takes beside its panel
SQUEEZED = 1.5  # times the range of the other mixes from which the worst one is left out of the figure
NAMES, NAMES_ON_PHONE = 0.3, 0.46  # share of a figure that the names of mixes take


def other_mixes(findings: Findings) -> list[Part]:
    """A figure, what it says in words, and a table; nothing where the mixes were not recorded."""
    if not findings.compared.beside:
        return []
    note = f"Predicted for the target. Marks with * break the limits.{_off_scale(findings)}"
    return [
        Figure("other-mixes", "How does the recommended mix compare with other mixes?",
               lambda width: _chart(findings, width), note),
        *(paragraph(line) for line in beside_words(findings.compared, findings.unit(OVERALL))
          if not line.startswith("*")),
        folded(f"Table: {len(findings.compared.beside)} other mixes, on the target ({findings.coverage} intervals)",
               table(_rows(findings))),
    ]  # fmt: skip


def _drawn(findings: Findings) -> list[Beside]:
    """The rows of the figure; without the worst mix, where it would squeeze all others."""
    rows = [row for row in findings.compared.beside if row.against == findings.compared.reference]
    others = [row.gain for row in rows if row.kind != "worst"] + [0.0, findings.compared.predicted[OVERALL].gain]
    reach = SQUEEZED * (max(others) - min(others))
    return [row for row in rows if row.kind != "worst" or max(others) - row.gain <= reach]


def _off_scale(findings: Findings) -> str:
    """Where the worst mix lies, if the figure leaves it out."""
    left_out = [row for row in findings.compared.beside if row.kind == "worst" and row not in _drawn(findings)]
    gains = "".join(f"{signed(row.gain)} {findings.unit(OVERALL)}" for row in left_out)
    return (
        f" The worst mix within the limits is off the scale: it gains {gains} over {findings.reference}."
        if gains
        else ""
    )


def _rows(findings: Findings) -> list[list[str]]:
    """The table that recommend-mix prints, with the predicted score of each mix."""
    (name, *head), *rows = beside_table(findings.compared)
    return [[name, f"score ({findings.unit(OVERALL)})", *head]] + [
        [shown(name), _score(findings, row), *cells]
        for (name, *cells), row in zip(rows, findings.compared.beside, strict=True)
    ]


def _score(findings: Findings, row: Beside) -> str:
    """The target's score, from what it gains over the reference."""
    if row.against != findings.compared.reference:
        return "–"
    natural = findings.compared.predicted[OVERALL].natural
    return f"{natural + (row.gain if findings.higher(OVERALL) else -row.gain):.3f}"


def _chart(findings: Findings, width: int) -> altair.VConcatChart:
    """Two panels, one beside the other or on a phone one below the other."""
    unit, target = findings.unit(OVERALL), findings.compared.predicted[OVERALL]
    of_target = (target.gain, target.gain_low, target.gain_high)
    gains = [_mark("recommended", RECOMMENDED, of_target), _mark(findings.reference, NATURAL, ZERO)]
    leads = [_mark("recommended", RECOMMENDED, ZERO), _mark(findings.reference, NATURAL, of_target)]
    for row in _drawn(findings):
        name, colour = shown(called(findings.compared, row)), COLOURS[row.kind]
        gains.append(_mark(name, colour, (row.gain, row.gain_low, row.gain_high), row.allowed))
        leads.append(_mark(name, colour, (row.behind, row.behind_low, row.behind_high), row.allowed))
    titles = (f"Gain over {findings.reference}", "Recommended gains over it")
    axes = (f"gain ({unit}); right: better than {findings.reference}", f"gain ({unit}); right: recommended is better")
    if width <= PHONE:
        columns, for_names = 1, int(width * NAMES_ON_PHONE / LABELS)
        each = int(width * (1 - NAMES_ON_PHONE)) - SPARE
        axes = (f"gain ({unit})", f"gain ({unit})")
    else:
        columns, for_names = 2, int(width * NAMES / LABELS)
        each = int(width * (1 - NAMES) - GAP) // 2 - SPARE
    panels = [
        _panel(rows, title, axis, each, for_names, number % columns == 0)
        for number, (rows, title, axis) in enumerate(zip((gains, leads), titles, axes, strict=True))
    ]
    return with_key(altair.concat(*panels, columns=columns, spacing=GAP), _signs(findings, gains), columns * each)


def _signs(findings: Findings, rows: list[dict[str, Any]]) -> list[Sign]:
    """What the colours of these marks mean."""
    words: dict[BesideKind, str] = {
        "simple": "simple mix", "given": "your own mix", "worst": "worst mix within the limits",
        "uncapped": "best mix without a cap",
    }  # fmt: skip
    colours = {row["colour"] for row in rows}
    signs = [recommended_sign(), reference_sign(findings.reference)]
    signs += [Sign(word, COLOURS[kind]) for kind, word in words.items() if COLOURS[kind] in colours]
    signs += [hollow_sign("* breaks a limit", INK)] if any(row["hollow"] for row in rows) else []
    return [*signs, range_sign(f"{findings.coverage} interval", MUTED)]


def _mark(name: str, colour: str, ends: tuple[float, float, float], allowed: bool = True) -> dict[str, Any]:
    """One mark with its interval; ends: value, low, high."""
    value, low, high = ends
    tip = f"{name}: {signed(value)}, {signed(low)} to {signed(high)}"
    return {
        "name": name, "colour": colour, "value": value, "low": low, "high": high, "hollow": not allowed, "tip": tip,
        "shape": "diamond" if colour == NATURAL else "circle",
    }  # fmt: skip


def _panel(rows: list[dict[str, Any]], title: str, axis: str, width: int, for_names: int, named: bool) -> Any:
    """A row for each mix; for_names: width of a figure whose labels have the room that names get here."""
    names = [row["name"] for row in rows]
    y = rows_axis(names, for_names)
    if not named:
        y = altair.Y("name:N", sort=names, axis=None, scale=altair.Scale(domain=names))
    x = altair.X("value:Q", title=axis, axis=altair.Axis(tickCount=4), scale=altair.Scale(zero=True, padding=8))
    stripes = striped(names, for_names) if named else striped(names, for_names).encode(y=y)
    ranges = altair.Chart(data(rows)).mark_rule(aria=False, strokeWidth=4, opacity=PALE)
    return altair.layer(
        heading(title, width), stripes, zero_line(0.0, INK),
        ranges.encode(y=y, x=altair.X("low:Q"), x2="high:Q", color=altair.Color("colour:N", scale=None)),
        *points(rows, 56, x=x, y=y),
    ).properties(width=width, height=altair.Step(ROW - 2))  # fmt: skip
