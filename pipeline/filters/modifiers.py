"""Modifiers: they cut filler lines and runs of empty lines out of documents that stay.

Rules and thresholds are those of OLMo 3's published web configuration, whose line rules go back to RefinedWeb
(Penedo et al. 2023, arXiv 2306.01116, section G.2). A page that loses too many words was filler to begin with.
"""

import re
from pathlib import Path

from datatrove.data import Document

from pipeline.filters.settings import ModifierSettings
from pipeline.filters.statistics import count_words
from pipeline.store.funnel import FilterStep
from pipeline.unspaced import Unspaced

COUNTERS = re.compile(
    r"^\W*\d[\d,.]*[KkMmBb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads"
    r"|views|followers)\W*"
)
SHORT = 10  # words; fillers are only looked for in lines up to this long
FILLERS = re.compile(r"items in cart|Read more(?:\.\.\.|…)\s*$|^\s*Sign-in", re.IGNORECASE)
RUN = re.compile(r"\n{3,}")


class Modifiers(FilterStep):
    """Changes documents; drops those of which too little would be left."""

    name = "modifiers"

    def __init__(self, settings: ModifierSettings, folder: Path, unspaced: Unspaced | None = None) -> None:
        super().__init__(folder)
        self.settings, self.unspaced = settings, unspaced

    def judge(self, document: Document) -> str | None:
        """Sets the document's text; the reason where it is filler."""
        changed = without_filler(document.text, self.settings, self.unspaced)
        if changed == document.text:
            return None
        before, after = count_words([document.text, changed], self.unspaced)
        if before - after > self.settings.max_words_cut * before:
            return "filler lines"
        document.text = changed
        return None


def without_filler(text: str, settings: ModifierSettings, unspaced: Unspaced | None = None) -> str:
    """The text without filler lines, at most one empty line between two others."""
    lines = text.split("\n")
    judged = (
        _line(line, words, settings, unspaced) for line, words in zip(lines, count_words(lines, unspaced), strict=True)
    )
    kept = [line for line in judged if line is not None]
    return RUN.sub("\n\n", "\n".join(kept)).strip("\n")


def _line(line: str, words: int, settings: ModifierSettings, unspaced: Unspaced | None) -> str | None:
    """The line of that many words as it stays, None where it is cut."""
    if not words and not line.strip():
        return ""
    if words < settings.min_words_a_line or COUNTERS.match(line):
        return None
    if sum(map(str.isupper, line)) > settings.max_capitals * len(line) or not any(map(_not_numeric, line)):
        return None
    if words <= SHORT and FILLERS.search(line):
        line = FILLERS.sub("", line)
        return line if count_words([line], unspaced)[0] >= settings.min_words_a_line else None
    return line


def _not_numeric(character: str) -> bool:
    return not (character.isnumeric() or character.isspace() or character in ".,:;/-+()")
