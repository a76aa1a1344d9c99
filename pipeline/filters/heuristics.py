"""Length, stop words and shape: Gopher's quality rules (Rae et al. 2021, arXiv 2112.11446, appendix A.1).

The thresholds are those of OLMo 3's published web configuration, which are Gopher's and a floor of 150 characters.
"""

from collections.abc import Collection

from pipeline.filters.settings import HeuristicSettings
from pipeline.filters.statistics import Statistics
from pipeline.unspaced import Unspaced, runs

BULLETS = ("•", "●", "‣", "-", "*")
ELLIPSES = ("...", "…")


def unspaced_stop_words(given: frozenset[str], language: Unspaced) -> Collection[str]:
    """Those of the settings that are in scripts without blanks; where there are none, as by default, the language's."""
    return {word for word in given if runs().search(word)} or language.stop_words


def broken_rule(text: Statistics, settings: HeuristicSettings, stop_words: frozenset[str]) -> str | None:
    """The first rule that a text breaks, by name."""
    if len(text.text) < settings.min_characters:
        return "too few characters"
    words = text.words
    if len(words) < settings.min_words or not words:
        return "too few words"
    if len(words) > settings.max_words:
        return "too many words"
    if text.unspaced:
        present = [word for word in unspaced_stop_words(stop_words, text.unspaced) if word in text.text]
        if len(present) < settings.min_stop_words:
            return "stop words"
    else:
        if not settings.min_word_length <= sum(map(len, words)) / len(words) <= settings.max_word_length:
            return "word length"
        if len(stop_words.intersection(map(str.lower, words))) < settings.min_stop_words:
            return "stop words"
    limit = settings.max_symbols * len(text.tokens)
    if text.text.count("#") > limit:
        return "hash signs"
    if text.text.count("...") + text.text.count("…") > limit:
        return "ellipses"
    lines = text.lines
    if sum(line.startswith(BULLETS) for line in lines) > settings.max_bullet_lines * len(lines):
        return "bullet lines"
    if sum(line.endswith(ELLIPSES) for line in lines) > settings.max_ellipsis_lines * len(lines):
        return "ellipsis lines"
    pieces = text.tokens if settings.punctuation_is_a_word else text.text.split()
    alphabetic = sum(piece.isalpha() or any(map(str.isalpha, piece)) for piece in pieces)
    if alphabetic < settings.min_alphabetic * len(pieces):
        return "alphabetic words"
    return None
