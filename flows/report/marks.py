"""What charts of several sections are made of."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any, Literal

import altair

from flows.report.labels import cut, short_labels
from flows.report.theme import GRID, INK, MUTED, PAPER

ROW = 20  # pixels of a row
LABELS = 0.38  # share of a figure's width that the names of rows may take
LETTER = 6.4  # pixels of a character of a row's name, more than its mean
BOLD_LETTER = 6.7  # pixels of a character of a panel's title
WORDS_LETTER = 6.0  # pixels of a character of a sentence
HEAD, HEAD_LINE = 5, 14  # pixels of a panel's title above it, and of a line of it
SMALL = 30  # square pixels up to which a hollow mark has a thin line
PHONE = 400  # pixels below which a figure is for a phone
MOST_ROWS, FEWER_ROWS = 80, 40  # domains up to which a figure shows all, and how many it shows of more

Align = Literal["left", "right", "center"]


def data(rows: Sequence[dict[str, Any]]) -> altair.Data:
    """Rows as inline data; `tip` is the tooltip of a mark."""
    return altair.Data(values=list(rows))


def fitted(chart: Any, width: int, height: int | altair.Step) -> Any:
    """The chart in a total width of `width` pixels, its labels included."""
    fit = altair.AutoSizeParams(type="fit-x", contains="padding")
    return chart.properties(width=width, height=height, autosize=fit)


def rows_shown(count: int) -> int:
    """How many of `count` domains a figure shows."""
    return count if count <= MOST_ROWS else FEWER_ROWS


def rows_axis(names: Sequence[str], width: int, field: str = "name") -> altair.Y:
    """One row per name, in the order given; long names are shortened, so that no two look alike."""
    labels = short_labels(names, int(LABELS * width / LETTER))
    expression = f"({json.dumps(labels)})[datum.label]" if labels else altair.Undefined
    axis = altair.Axis(title=None, labelLimit=int(1.2 * LABELS * width), labelOverlap=False, labelExpr=expression)
    return altair.Y(f"{field}:N", sort=list(names), axis=axis, scale=altair.Scale(domain=list(names)))


def zero_line(value: float = 0.0, colour: str = INK) -> altair.Chart:
    """A line at the value that others are compared with."""
    return altair.Chart(data([{"zero": value}])).mark_rule(aria=False, color=colour, opacity=0.6).encode(x="zero:Q")


def striped(names: Sequence[str], width: int) -> altair.Chart:
    """Thin lines along rows, which lead the eye from a name to its marks."""
    rows = [{"name": name} for name in names]
    return altair.Chart(data(rows)).mark_rule(aria=False, color=GRID, strokeWidth=1).encode(y=rows_axis(names, width))


def points(rows: Sequence[dict[str, Any]], size: int = 60, **places: Any) -> list[altair.Chart]:
    """Marks with the `colour`, the `shape` (a circle where there is none) and the `tip` of their rows.

    Rows with `hollow` are drawn hollow; they break the limits of the mix.
    """
    kinds: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault((row.get("shape", "circle"), bool(row.get("hollow"))), []).append(row)
    colour = altair.Color("colour:N", scale=None)
    layers = []
    for (shape, hollow), kind in kinds.items():
        told = {"description": "tip:N"} if "tip" in kind[0] else {}
        style: dict[str, Any] = {} if told else {"aria": False}
        mark = altair.Chart(data(kind)).mark_point(
            shape=shape, filled=not hollow, size=size, opacity=1, strokeWidth=1.8 if size > SMALL else 0.8, **style
        )
        layers.append(mark.encode(color=colour, **told, **places))
    return layers


def panel_columns(count: int, most: int, width: int) -> int:
    """Columns of small multiples, so that no panel is alone in the last row where that can be helped."""
    if width <= PHONE:
        return 2 if count % 2 == 0 else 1
    if count <= most:
        return count
    return next((columns for columns in (*range(most, 1, -1), most + 1) if count % columns != 1), most)


def heading(title: str, width: int, *below: str) -> Any:
    """A panel's title, and smaller lines below it, at the same height over every panel whatever its axes."""
    title = cut(title, int((width + 30) / BOLD_LETTER))
    lines = [*below[::-1], title]
    layers = [
        altair.Chart(data([{"text": line}]))
        .mark_text(
            aria=False, align="left", baseline="bottom", color=INK if line is title else MUTED, limit=width + 50,
            fontSize=12 if line is title else 11, fontWeight="bold" if line is title else "normal",
        )
        .encode(x=altair.value(0), y=altair.value(-HEAD - number * HEAD_LINE), text="text:N")
        for number, line in enumerate(lines)
    ]  # fmt: skip
    return altair.layer(*layers)


def words_over(
    rows: Sequence[dict[str, Any]], align: Align = "right", colour: str = MUTED, dx: int = 0, **places: Any
) -> list[Any]:
    """The `text` of rows beside or on the marks, with an edge in the colour of the paper that keeps lines away."""
    base = altair.Chart(data(rows)).encode(text="text:N", **places)
    style: dict[str, Any] = {"aria": False, "align": align, "fontSize": 11, "dx": dx}
    return [base.mark_text(stroke=PAPER, strokeWidth=5, color=PAPER, **style), base.mark_text(color=colour, **style)]


def in_chart(sentences: Sequence[str], width: int) -> altair.TitleParams:
    """What a chart shows in its own words, over it."""
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, int(width / WORDS_LETTER))]
    return altair.TitleParams(lines, fontSize=12, fontWeight="normal", color=INK, anchor="start", frame="bounds",
                              offset=10)  # fmt: skip
