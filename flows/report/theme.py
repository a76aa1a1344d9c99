"""Colours and fonts of the figures. Okabe and Ito's palette can be told apart by every kind of eye.

Text, lines and marks have fixed colours here; flows/report/page.css replaces them where a reader's screen is dark.
"""

from typing import Any

INK, MUTED, GRID = "#1b1f24", "#5b6470", "#dde2e7"
PAPER = "#ffffff"
ON_COLOUR = "#101418"  # text on a coloured cell, which is light in both themes
NATURAL, UNIFORM, RECOMMENDED, VALIDATED = "#7d8590", "#e69f00", "#0072b2", "#009e73"
WORSE, BETTER, NONE = "#d55e00", "#0072b2", "#f4f5f6"
FAINT = "#a9b1ba"  # single runs
FAMILIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "padding": 2,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": MUTED, "gridColor": GRID, "domainColor": GRID, "tickColor": GRID,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8, "labelLimit": 190,
        "labelOverlap": True, "labelSeparation": 5,
    },
    "axisX": {"labelFlush": False},
    "axisY": {"grid": False, "domain": False, "ticks": False, "labelPadding": 6},
    "legend": {
        "labelColor": INK, "titleColor": MUTED, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
        "orient": "top", "labelLimit": 220, "offset": 6,
    },
    "header": {"labelColor": INK, "labelFontSize": 12, "labelFontWeight": "bold", "titleColor": MUTED},
    "title": {
        "color": INK, "subtitleColor": MUTED, "fontSize": 15, "subtitleFontSize": 12, "anchor": "start", "offset": 12,
    },
}  # fmt: skip
