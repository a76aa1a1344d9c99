"""FineWeb's own rules (Penedo et al. 2024, arXiv 2406.17557, section 3.4): list-like and fragmented pages.

Off by default: OLMo 3's chain has none of them.
"""

from datatrove.utils.text import TERMINAL_PUNCTUATION

from pipeline.filters.settings import FineWebSettings
from pipeline.filters.statistics import Statistics

TERMINAL = tuple(sorted(TERMINAL_PUNCTUATION))  # of all scripts


def fineweb_rule(text: Statistics, settings: FineWebSettings) -> str | None:
    """The first rule that a text breaks, by name."""
    lines = [line for line in text.text.split("\n") if line.strip()]
    if not lines:
        return "no text"
    if sum(line.endswith(TERMINAL) for line in lines) < settings.min_ended_lines * len(lines):
        return "lines without an end"
    if sum(len(line) <= settings.short_line for line in lines) > settings.max_short_lines * len(lines):
        return "short lines"
    repeated = sum(map(len, lines)) - sum(map(len, set(lines)))
    breaks = text.text.count("\n")
    if repeated > settings.max_repeated_characters * (len(text.text) - breaks):
        return "characters of repeated lines"
    if breaks > settings.max_line_breaks * len(text.tokens):
        return "line breaks"
    return None
