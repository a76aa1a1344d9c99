"""Tables in a notebook. Names come from data, so every cell is escaped."""

from html import escape

from mixes.recommendation.result import Recommendation
from mixes.show.printable import printable
from mixes.show.recommendation import Shown, tables_of, words_of

LEFT = {"domain", "family", "verdict", "mix", "task", "law", "unit", "better"}  # columns of words
STYLE = "text-align: {}; padding: 2px 8px"


def html_table(title: str, rows: list[list[str]]) -> str:
    """A head and rows as a table with its title above."""
    head, *body = rows
    sides = [STYLE.format("left" if name in LEFT else "right") for name in head]
    cells = [
        "".join(f'<{tag} style="{side}">{_text(cell)}</{tag}>' for side, cell in zip(sides, row, strict=True))
        for tag, row in [("th", head), *(("td", row) for row in body)]
    ]
    lines = "".join(f"<tr>{row}</tr>" for row in cells[1:])
    return (
        f'<table><caption style="text-align: left; font-weight: bold">{_text(title)}</caption>'
        f"<thead><tr>{cells[0]}</tr></thead><tbody>{lines}</tbody></table>"
    )


def recommendation_html(recommendation: Recommendation, shown: Shown) -> str:
    """The verdict, then the tables, then the rest of the words."""
    first, *rest = words_of(recommendation, shown)
    tables = "".join(html_table(title, rows) for title, rows in tables_of(recommendation, shown))
    return f"<p><b>{_text(first)}</b></p>{tables}" + "".join(f"<p>{_text(line)}</p>" for line in rest)


def _text(cell: str) -> str:
    return escape(printable(cell))
