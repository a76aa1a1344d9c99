"""The key of a chart: what each mark in it means, complete, so that no caption is needed to read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair

from flows.report.marks import LABELS, data
from flows.report.theme import FAINT, INK, NATURAL, RECOMMENDED

RANGE, LINE = "M-1.3,-0.33H1.3V0.33H-1.3Z", "M-1.3,-0.14H1.3V0.14H-1.3Z"  # a thick and a thin line
UPRIGHT = "M-0.12,-1H0.12V1H-0.12Z"
LETTER, SYMBOL = 5.9, 26  # pixels of a character, about its mean, and of a symbol with the space around it
PALE = 0.4  # of a range
OUTLINED = ("circle", "diamond", "square", "triangle-down")
NOTHING = "transparent"


@dataclass(frozen=True)
class Sign:
    """One entry of a key."""

    words: str
    colour: str
    shape: str = "circle"
    hollow: bool = False
    opacity: float = 1.0


def recommended_sign(words: str = "recommended") -> Sign:
    """The recommended mix."""
    return Sign(words, RECOMMENDED)


def reference_sign(words: str) -> Sign:
    """Natural, or what stands in its place."""
    return Sign(words, NATURAL, "diamond")


def range_sign(words: str, colour: str = RECOMMENDED) -> Sign:
    """An interval."""
    return Sign(words, colour, RANGE, opacity=PALE)


def run_sign(words: str = "one run") -> Sign:
    """A run of the swarm."""
    return Sign(words, FAINT)


def hollow_sign(words: str = "breaks a limit", colour: str = INK, shape: str = "circle") -> Sign:
    """A mix that breaks the limits."""
    return Sign(words, colour, shape, hollow=True)


def key(signs: Sequence[Sign], room: float, above: int = 6) -> altair.Chart:
    """A layer that draws nothing but a legend of at most `room` pixels, `above` pixels over the chart."""
    words = [sign.words for sign in signs]
    legend = altair.Legend(
        title=None, columns=_columns(words, room), symbolSize=80, columnPadding=12, rowPadding=3, labelLimit=room,
        symbolStrokeWidth=1.6, offset=above,
    )  # fmt: skip

    def scale(values: Sequence[Any]) -> altair.Scale:
        return altair.Scale(domain=words, range=list(values))

    return (
        altair.Chart(data([]))
        .mark_point(fillOpacity=1)
        .encode(
            stroke=altair.Stroke("sign:N", legend=legend, scale=scale([_stroke(sign) for sign in signs])),
            fill=altair.Fill("sign:N", legend=legend, scale=scale([_fill(sign) for sign in signs])),
            shape=altair.Shape("sign:N", legend=legend, scale=scale([sign.shape for sign in signs])),
        )
    )


def keyed_room(width: int) -> float:
    """Pixels that a key may take over the marks of a chart whose rows have names."""
    return (1 - LABELS) * width


def with_key(panels: Any, signs: Sequence[Sign], width: int) -> altair.VConcatChart:
    """Small multiples under one key."""
    top = altair.layer(key(signs, width)).properties(width=width, height=1)
    return altair.vconcat(top, panels, spacing=10)


def _columns(words: Sequence[str], room: float) -> int:
    """The most columns of entries that fit."""
    for columns in range(len(words), 1, -1):
        widest = [max(len(word) for word in words[column::columns]) for column in range(columns)]
        if sum(SYMBOL + LETTER * width for width in widest) <= room:
            return columns
    return 1


def _stroke(sign: Sign) -> str:
    return sign.colour if sign.shape in OUTLINED else NOTHING


def _fill(sign: Sign) -> str:
    """The colour; a pale one as the channels of its hexadecimal digits, and how much of it is seen."""
    if sign.hollow:
        return NOTHING
    channels = ",".join(str(int(sign.colour[i : i + 2], 16)) for i in (1, 3, 5))
    return sign.colour if sign.opacity == 1 else f"rgba({channels},{sign.opacity:g})"
