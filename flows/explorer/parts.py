"""Parts of the explorer's HTML: every name and text from data is escaped. page.css has the looks."""

import re
from collections.abc import Mapping, Sequence

from flows.report.html import text

NUMBER = int | float | None  # what a column of numbers holds
UNFOLDED = 40  # rows of domains that are drawn; more are folded


def name(given: object) -> str:
    """A name from data. A long one breaks after an underscore, where a browser would cut a word."""
    return text(given).replace("_", "_<wbr>")


def words_of(given: str) -> str:
    """A sentence; what stands in `backticks` is drawn as code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", text(given))


def heading(words: str) -> str:
    """A heading. It is no <h2>, of which marimo would draw an outline over the page."""
    return f'<p class="mx-head" role="heading" aria-level="2">{text(words)}</p>'


def group(words: str, kind: str = "") -> str:
    """What stands over a group of sliders."""
    return f'<div class="mx {kind}">{heading(words)}</div>'


def label(words: str, value: str = "") -> str:
    """What stands over a slider; value: what it is worth."""
    worth = f" <b>{text(value)}</b>" if value else ""
    return f'<span class="mx-label">{words_of(words).replace("_", "_<wbr>")}{worth}</span>'


def code(content: str) -> str:
    """A text to copy."""
    return f'<div class="mx"><pre>{text(content)}</pre></div>'


def paragraph(words: str) -> str:
    """A plain line."""
    return f'<div class="mx mx-side"><p>{words_of(words)}</p></div>'


def note(words: str) -> str:
    """A line of less weight."""
    return f'<div class="mx"><p class="mx-note">{words_of(words)}</p></div>'


def side_note(words: str) -> str:
    """The same where answers stand."""
    return f'<div class="mx mx-side"><p class="mx-note">{words_of(words)}</p></div>'


def error(line: str) -> str:
    """What is wrong with a question, in place of its answer."""
    return f'<div class="mx mx-side"><p class="mx-error" role="alert">{text(line.replace("`", ""))}</p></div>'


def table_head(*names: object, words: int | None = None) -> str:
    """The head of a table; words: columns before those of numbers, which stand to the right; None: all are words."""
    kinds = ["" if words is None or number < words else "n" for number in range(len(names))]
    cells = [f'<th class="{kind}">{text(name)}</th>' for kind, name in zip(kinds, names, strict=True)]
    return f"<thead><tr>{''.join(cells)}</tr></thead>"


def plain_table(
    rows: Sequence[Sequence[object]], head: Sequence[object], links: Mapping[int, str] | None = None, kind: str = ""
) -> str:
    """A table of texts; links: number of a row → address that its first cell leads to; kind: `mx-tight` has rows of one
    line on a phone, `mx-others` of three."""
    right = [bool(rows) and all(isinstance(row[at], NUMBER) for row in rows) for at in range(len(head))]
    body = []
    for number, row in enumerate(rows):
        cells = [text(_cell(value)) for value in row]
        if links and number in links:
            cells[0] = f'<a href="{text(links[number])}">{cells[0]}</a>'
        body.append(_cells("td", cells, right))
    top, lines = _cells("th", [text(name) for name in head], right), "".join(f"<tr>{line}</tr>" for line in body)
    table = f'<table class="mx-table"><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<div class="mx-wide {kind}">{table}</div>'


def _cells(tag: str, cells: Sequence[str], right: Sequence[bool]) -> str:
    """Cells of a row; numbers stand to the right."""
    kinds = [' class="n"' if number else "" for number in right]
    return "".join(f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))


def folded(title: str, inner: str) -> str:
    """Something that opens by a click."""
    return f"<details><summary>{text(title)}</summary>{inner}</details>"


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.0f}" if 1e5 <= abs(value) < 1e18 else f"{value:.6g}"
    return "" if value is None else value
