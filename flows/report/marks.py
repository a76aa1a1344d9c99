"""What charts of several sections are made of."""

import json
from collections.abc import Sequence
from typing import Any

import altair

from flows.report.theme import GRID, INK
from flows.report.words import shortened

ROW = 20  # pixels of a row
LABELS = 0.38  # share of a figure's width that the names of rows may take
LETTER = 6.4  # pixels of a character of a row's name, more than its mean
PHONE = 400  # pixels below which a figure is for a phone
MOST_ROWS, FEWER_ROWS = 80, 40  # domains up to which a figure shows all, and how many it shows of more


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
    labels = _labels(names, int(LABELS * width / LETTER))
    expression = f"({json.dumps(labels)})[datum.label]" if labels else altair.Undefined
    axis = altair.Axis(title=None, labelLimit=int(1.2 * LABELS * width), labelOverlap=False, labelExpr=expression)
    return altair.Y(f"{field}:N", sort=list(names), axis=axis, scale=altair.Scale(domain=list(names)))


def zero_line(value: float = 0.0, colour: str = INK) -> altair.Chart:
    """A line at the value that others are compared with."""
    return altair.Chart(data([{"zero": value}])).mark_rule(aria=False, color=colour, opacity=0.6).encode(x="zero:Q")


def colours(names: Sequence[str], values: Sequence[str], **options: Any) -> altair.Color:
    """A legend of fixed colours for the field `series`."""
    scale = altair.Scale(domain=list(names), range=list(values))
    return altair.Color("series:N", scale=scale, legend=altair.Legend(title=None, **options))


def _labels(names: Sequence[str], most: int) -> dict[str, str]:
    """Name → label of at most `most` characters; empty where every name is short enough.

    Names that would look alike are cut at both ends instead, to what tells them apart.
    """
    if all(len(name) <= most for name in names):
        return {}
    labels = {name: shortened(name, most) for name in names}
    alike = [name for name in names if list(labels.values()).count(labels[name]) > 1]
    start = _common(alike)
    end = _common([name[:start:-1] for name in alike])
    for number, name in enumerate(alike):
        spare = most - 2 - (len(name) - end - start)  # characters beside what tells it apart
        last = len(name) - max(0, end - max(0, spare) // 2)
        first = start if spare < 0 else max(0, last - most + 2)
        short = f"{'…' * (first > 0)}{shortened(name[first:last], most - 2)}{'…' * (last < len(name))}"
        labels[name] = short if short not in labels.values() else f"{number + 1} {shortened(name, most - 4)}"
    return labels


def _common(names: Sequence[str]) -> int:
    """How many characters all names begin with."""
    letters = enumerate(zip(*names, strict=False))
    return next((i for i, column in letters if len(set(column)) > 1), min(map(len, names), default=0))


def striped(names: Sequence[str], width: int) -> altair.Chart:
    """Thin lines along rows, which lead the eye from a name to its marks."""
    rows = [{"name": name} for name in names]
    return altair.Chart(data(rows)).mark_rule(aria=False, color=GRID, strokeWidth=1).encode(y=rows_axis(names, width))
