"""A figure: drawn by Altair twice, for a wide page and for a phone, and inlined as SVG that needs no script to read.

Every mark's description becomes a tooltip, which browsers show without a script. Files for papers and slides bear the
title, and have a white background.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from flows.errors import ExperimentError
from flows.report.theme import CONFIG

if TYPE_CHECKING:
    import altair

WIDE, NARROW = 720, 346  # pixels
SCALE = 2  # pixels of a PNG per pixel of the figure
TITLE_CHARACTERS = 88  # of a line of a file's title
DESCRIBED = re.compile(r'<(path|rect|line|circle|text)((?:\s[^<>]*?)?)\saria-label="([^"]*)"([^<>]*?)(?:/>|></\1>)')
SPARE = re.compile(r' (?:aria-roledescription|aria-hidden|pointer-events|stroke-miterlimit)="[^"]*"| opacity="1"')
EMPTY = re.compile(r'<path class="(?:background|foreground)"[^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>')
IDS = re.compile(r'(id="|url\(#|href="#)([^")]+)')

Draw = Callable[[int], "altair.TopLevelMixin"]  # width in pixels → chart


@dataclass(frozen=True)
class Figure:
    """One figure of a report."""

    name: str  # of its files
    title: str  # the question that it answers, or what it shows
    draw: Draw
    note: str = ""  # how to read it


def check_renderer() -> None:
    """See that figures can be drawn.

    Raises:
        ExperimentError: vl-convert is not installed.
    """
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        raise ExperimentError(
            "report: the package vl-convert-python, which draws figures, is not installed — install it with "
            "`pip install 'mixwright[report]'`"
        ) from None


def inlined(figure: Figure) -> str:
    """The figure as two SVGs, of which the page shows the one that fits."""
    parts = []
    for size, width in (("wide", WIDE), ("narrow", NARROW)):
        svg = _plain_svg(_svg(_spec(figure.draw(width))), f"{figure.name}-{size}", figure.title)
        parts.append(f'<div class="{size}">{svg}</div>')
    return "".join(parts)


def files_of(figure: Figure) -> Mapping[str, bytes]:
    """The figure's files: name → content."""
    import vl_convert

    spec = _spec(figure.draw(WIDE))
    spec["config"] |= {"background": "white", "padding": 12}
    below = [*_own_words(spec), *_lines(figure.note, 110)]
    title = {"text": _lines(figure.title), **({"subtitle": below} if below else {})}
    spec = {**spec, "title": title}
    svg = _svg(spec)
    png: bytes = vl_convert.svg_to_png(svg, scale=SCALE)
    return {f"{figure.name}.svg": svg.encode(), f"{figure.name}.png": png}


def _spec(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    return {**spec, "config": {**CONFIG}}


def _own_words(spec: dict[str, Any]) -> list[str]:
    """The sentences that a chart bears itself."""
    lines: list[str] = spec.get("title", {}).get("text", [])
    return lines


def _svg(spec: dict[str, Any]) -> str:
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(spec)
    return _numbered(svg, "part-")


def _plain_svg(svg: str, prefix: str, title: str) -> str:
    """The SVG with tooltips, with ids that are its own, and without what only Vega's own script reads."""
    svg = EMPTY.sub("", SPARE.sub("", svg))
    svg = DESCRIBED.sub(r"<\1\2\4><title>\3</title></\1>", svg)
    svg = re.sub(r' role="graphics-(?:symbol|object)"', "", svg)
    svg = re.sub(r' xmlns(?::xlink)?="[^"]*"', "", svg)
    svg = _numbered(svg, f"{prefix}-")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(title, quote=True)}" ', 1)


def _numbered(svg: str, prefix: str) -> str:
    """The SVG with ids by their order in it. Vega counts them through the whole process."""
    ids: dict[str, str] = {}
    return IDS.sub(lambda match: f"{match[1]}{ids.setdefault(match[2], f'{prefix}{len(ids)}')}", svg)


def _lines(text: str, most: int = TITLE_CHARACTERS) -> list[str]:
    """A text in lines that fit a figure."""
    import textwrap

    return textwrap.wrap(text, most)
