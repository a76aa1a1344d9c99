"""Parts of the page. Every text from data is escaped here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from flows.report.figure import Figure
from mixes.show.printable import printable

Part = str | Figure  # HTML, or a figure
CODE = re.compile(r"`([^`]+)`")
MOST_PRINTED = 120  # rows: two pages


@dataclass(frozen=True)
class Section:
    """One section of the page."""

    anchor: str
    title: str
    parts: list[Part] = field(default_factory=list)


def text(value: object) -> str:
    """A text, escaped."""
    return escape(printable(str(value)))


def prose(value: str) -> str:
    """Sentences, escaped; what stands in `backticks` is code."""
    return CODE.sub(r"<code>\1</code>", text(value))


def paragraph(value: str, kind: str = "") -> str:
    """A paragraph of sentences."""
    return f'<p class="{kind}">{prose(value)}</p>' if kind else f"<p>{prose(value)}</p>"


def table(rows: Sequence[Sequence[object]], words: int = 1) -> str:
    """A head and rows; the first `words` columns are words, the others numbers."""
    head, *body = rows
    lines = ["".join(_cell("th", i < words, cell) for i, cell in enumerate(head))]
    lines += ["".join(_cell("td", i < words, cell) for i, cell in enumerate(row)) for row in body]
    rest = "".join(f"<tr>{line}</tr>" for line in lines[1:])
    return f'<div class="table"><table><thead><tr>{lines[0]}</tr></thead><tbody>{rest}</tbody></table></div>'


def folded(title: str, inner: str) -> str:
    """Something that opens by a click. It is printed open, but not if it has more than MOST_PRINTED rows."""
    kind = ' class="long"' if inner.count("<tr>") > MOST_PRINTED else ""
    return f"<details{kind}><summary>{text(title)}</summary>{inner}</details>"


def _cell(tag: str, words: bool, value: object) -> str:
    kind = "w" if words else "n"
    return f'<{tag} class="{kind}">{text(value)}</{tag}>'
