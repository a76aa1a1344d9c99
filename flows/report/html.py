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
IN_CSS = re.compile(r"[^\w .,%()×*+-]")  # signs that mean something in a style
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

    On a phone, a row of more than FITS columns is shown as a list, each cell with the name of its column.
    """
    head, *body = rows
    lines = ["".join(_cell("th", i < words, cell) for i, cell in enumerate(head))]
    lines += ["".join(_cell("td", i < words, cell) for i, cell in enumerate(row)) for row in body]
    rest = "".join(f"<tr>{line}</tr>" for line in lines[1:])
    kind, names = ("table many", f' style="{_column_names(head)}"') if len(head) > FITS else ("table", "")
    return f'<div class="{kind}"><table{names}><thead><tr>{lines[0]}</tr></thead><tbody>{rest}</tbody></table></div>'


def folded(title: str, inner: str) -> str:
    """Something that opens by a click. It is printed open, but not if it has more than MOST_PRINTED rows."""
    kind = ' class="long"' if inner.count("<tr>") > MOST_PRINTED else ""
    return f"<details{kind}><summary>{text(title)}</summary>{inner}</details>"


def _cell(tag: str, words: bool, value: object) -> str:
    kind = "w" if words else "n"
    return f'<{tag} class="{kind}">{_breakable(text(value)) if words else text(value)}</{tag}>'


def _column_names(head: Sequence[object]) -> str:
    """The names of the columns as properties --c1, --c2 …, which page.css puts before the cells on a phone."""
    return "".join(f"--c{number}:'{IN_CSS.sub(_coded, printable(str(name)))}';" for number, name in enumerate(head, 1))


def _coded(sign: re.Match[str]) -> str:
    """A sign by its number, as CSS writes it."""
    return f"\\{ord(sign[0]):x} "


def _breakable(escaped: str) -> str:
    """An escaped text whose long names may break after a separator, and nowhere else unless there is none."""
    words = escaped.split(" ")
    return " ".join(word if len(word) <= LONG else LONG_PART.sub(r"\g<0><wbr>", word) for word in words)
