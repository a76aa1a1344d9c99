"""The first chain of heuristics: length, alphanumeric share, stop words, line shape, repetition.

Rules and thresholds are Gopher's (Rae et al. 2021, arXiv 2112.11446, appendix A.1), which OLMo 3 builds on.
"""

import re
from collections import Counter
from pathlib import Path

from datatrove.data import Document
from pydantic import BaseModel, ConfigDict, Field

from pipeline.funnel import FilterStep

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})  # Gopher's
WORD = re.compile(r"\w+(?:['’]\w+)*")


class HeuristicSettings(BaseModel):
    """The `heuristics:` section; every rule's threshold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_words: int = Field(50, ge=0)
    """Fewer words: dropped."""
    max_words: int = Field(100_000, gt=0)
    """More words: dropped."""
    min_word_length: float = Field(3.0, ge=0)
    """Mean characters of a word below this: dropped."""
    max_word_length: float = Field(10.0, gt=0)
    """Mean characters of a word above this: dropped."""
    min_alphabetic: float = Field(0.8, ge=0, le=1)
    """Share of whitespace-separated words with a letter."""
    min_alphanumeric: float = Field(0.6, ge=0, le=1)
    """Share of characters other than white space that are letters or digits (assumed)."""
    min_stop_words: int = Field(2, ge=0)
    """Different stop words that must occur."""
    max_bullet_lines: float = Field(0.9, ge=0, le=1)
    """Share of lines that start with a bullet."""
    max_ellipsis_lines: float = Field(0.3, ge=0, le=1)
    """Share of lines that end with an ellipsis."""
    max_duplicate_lines: float = Field(0.3, ge=0, le=1)
    """Share of lines that repeat an earlier one."""
    max_duplicate_characters: float = Field(0.2, ge=0, le=1)
    """Share of characters in lines that repeat an earlier one."""
    max_top_ngrams: tuple[float, float, float] = (0.20, 0.18, 0.16)
    """Share of characters in the most frequent 2-, 3- and 4-gram of words."""


class Heuristics(FilterStep):
    """Drops a document by the first rule that it breaks, cheapest rules first."""

    name = "heuristics"

    def __init__(self, settings: HeuristicSettings, folder: Path) -> None:
        super().__init__(folder)
        self.settings = settings

    def judge(self, document: Document) -> str | None:
        """The broken rule, or None."""
        return broken_rule(document.text, self.settings) if document.metadata["filters"] else None


def broken_rule(text: str, settings: HeuristicSettings) -> str | None:
    """The first rule that `text` breaks, by name."""
    pieces = text.split()
    if len(pieces) < settings.min_words:
        return "too few words"
    if len(pieces) > settings.max_words:
        return "too many words"
    characters = sum(map(len, pieces))
    if not settings.min_word_length <= characters / len(pieces) <= settings.max_word_length:
        return "word length"
    words = [word.lower() for word in WORD.findall(text)]
    if len(STOP_WORDS.intersection(words)) < settings.min_stop_words:
        return "stop words"
    if sum(map(str.isalnum, text)) < settings.min_alphanumeric * characters:
        return "alphanumeric share"
    if sum(any(map(str.isalpha, piece)) for piece in pieces) < settings.min_alphabetic * len(pieces):
        return "alphabetic words"
    return _line_rule(text, settings) or _repetition_rule(words, settings)


def _line_rule(text: str, settings: HeuristicSettings) -> str | None:
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    if sum(line.startswith(("•", "-", "*", "‣")) for line in lines) > settings.max_bullet_lines * len(lines):
        return "bullet lines"
    if sum(line.endswith(("...", "…")) for line in lines) > settings.max_ellipsis_lines * len(lines):
        return "ellipsis lines"
    if len(lines) - len(set(lines)) > settings.max_duplicate_lines * len(lines):
        return "duplicate lines"
    repeated = sum(map(len, lines)) - sum(map(len, set(lines)))
    if repeated > settings.max_duplicate_characters * sum(map(len, lines)):
        return "duplicate characters"
    return None


def _repetition_rule(words: list[str], settings: HeuristicSettings) -> str | None:
    characters = sum(map(len, words))
    for n, most in enumerate(settings.max_top_ngrams, start=2):
        counted = Counter(zip(*(words[i:] for i in range(n)), strict=False))
        if counted:
            ngram, times = counted.most_common(1)[0]
            if times > 1 and times * sum(map(len, ngram)) > most * characters:
                return f"top {n}-gram"
    return None
