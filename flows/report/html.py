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
FITS = 4  # columns that a phone's width holds
LONG = 24  # characters of a word that may be broken
LONG_PART = re.compile(r"[^_/:.&;-]{24}|&[a-z#0-9]+;|[^&]*?[_/:.-]+")  # to a separator; an escaped sign stays whole


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
    """A head and rows; the first `words` columns are words, the others numbers.

    On a phone, a row of more than FITS columns is shown as a list: each cell bears the name of its column.
    """
    head, *body = rows
    many = len(head) > FITS
    heads = "".join(_cell("th", i < words, cell) for i, cell in enumerate(head))
    names: Sequence[object] = head if many else [""] * len(head)
    lines = ["".join(_cell("td", i < words, cell, names[i]) for i, cell in enumerate(row)) for row in body]
    rest = "".join(f"<tr>{line}</tr>" for line in lines)
    kind = "table many" if many else "table"
    return f'<div class="{kind}"><table><thead><tr>{heads}</tr></thead><tbody>{rest}</tbody></table></div>'


def folded(title: str, inner: str) -> str:
    """Something that opens by a click. It is printed open, but not if it has more than MOST_PRINTED rows."""
    kind = ' class="long"' if inner.count("<tr>") > MOST_PRINTED else ""
    return f"<details{kind}><summary>{text(title)}</summary>{inner}</details>"


def _cell(tag: str, words: bool, value: object, column: object = "") -> str:
    kind = "w" if words else "n"
    named = f' data-of="{text(column)}"' if column else ""
    return f'<{tag} class="{kind}"{named}>{_breakable(text(value)) if words else text(value)}</{tag}>'


def _breakable(escaped: str) -> str:
    """An escaped text whose long names may break after a separator, and nowhere else unless there is none."""
    words = escaped.split(" ")
    return " ".join(word if len(word) <= LONG else LONG_PART.sub(r"\g<0><wbr>", word) for word in words)
