"""What the filters count in a text, from one pass over one tokenisation.

Filters share a document's Statistics; everything in it is computed when it is first asked for, so that a page
that is too short costs nothing more than its words.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from datatrove.data import Document

from pipeline.unspaced import Unspaced, cut_words, runs

# Words as spaCy's English rules split them, nearly: addresses and numbers whole, clitics and punctuation apart.
# (The published thresholds were set on such tokens, punctuation included; agreement is in docs/EXPERIMENTS.md.)
CLITIC = r"['’](?:s|t|re|ve|ll|d|m)\b"
TOKEN = re.compile(
    rf"(?:https?://|www\.)\S+|{CLITIC}|\w+(?:\.\w+|(?<=\d)[,:/]\d+|(?<=[^\W\d])-\d+|(?!{CLITIC})['’]\w+)*|\.{{2,}}|[^\w\s]",
    re.IGNORECASE,
)
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that a product with it loses nothing (2^64 ÷ golden ratio)
SENTENCE_END = re.compile(r"[.!?]+\s+")
UNSPACED_END = re.compile(r"[.!?]+\s+|[。．！？｡។៕။]+[」』”’）)]*\s*")
BLANK_END = re.compile(UNSPACED_END.pattern + r"|\s+")
PARAGRAPH = re.compile(r"\n{2,}")
KEY = "statistics"


class Statistics:
    """Counts of one text; unspaced: its language, where that puts no blanks between words."""

    def __init__(self, text: str, unspaced: Unspaced | None = None) -> None:
        self.text, self.unspaced = text, unspaced

    @cached_property
    def tokens(self) -> list[str]:
        """Words, numbers and punctuation marks."""
        return tokens_of(self.text, self.unspaced)

    @cached_property
    def words(self) -> list[str]:
        """Tokens that are not punctuation alone."""
        return _words(self.tokens)

    @cached_property
    def lines(self) -> list[str]:
        """Lines that hold more than white space, stripped."""
        return [line for line in map(str.strip, self.text.split("\n")) if line]

    @cached_property
    def paragraphs(self) -> list[str]:
        """Parts between empty lines."""
        return PARAGRAPH.split(self.text.strip())

    @cached_property
    def sentences(self) -> list[str]:
        """Parts that end with a full stop, question or exclamation mark and white space; without blanks between words,
        with such a mark of their script too, or (Thai, Lao) at a blank."""
        ends = SENTENCE_END
        if self.unspaced:
            ends = BLANK_END if self.unspaced.blank_ends else UNSPACED_END
        return [part for part in ends.split(self.text) if part.strip()]

    @cached_property
    def token_numbers(self) -> np.ndarray:
        """(n_tokens,) the same number for the same token."""
        numbers: dict[str, int] = {}
        return np.fromiter(
            (numbers.setdefault(token, len(numbers)) for token in self.tokens), np.uint64, len(self.tokens)
        )

    @cached_property
    def token_lengths(self) -> np.ndarray:
        """(n_tokens,) characters."""
        return np.fromiter(map(len, self.tokens), np.int64, len(self.tokens))

    def ngrams(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(hash, first place, times) of the different n-grams of tokens, by hash; 64 bits keep them apart."""
        return np.unique(self.ngram_hashes(n), return_index=True, return_counts=True)

    def ngram_hashes(self, n: int) -> np.ndarray:
        """(n_tokens − n + 1,) a hash of the n-gram that starts at each place."""
        count = max(0, len(self.tokens) - n + 1)
        mixed = np.zeros(count, dtype=np.uint64)
        for step in range(n):
            mixed = (mixed ^ (self.token_numbers[step : step + count] + np.uint64(1))) * MIX
            mixed ^= mixed >> np.uint64(29)
        return mixed

    def ngram_lengths(self, n: int) -> np.ndarray:
        """(n_tokens − n + 1,) characters of the n-gram's tokens."""
        ends = np.concatenate([[0], np.cumsum(self.token_lengths)])
        return ends[n:] - ends[:-n] if len(ends) > n else np.zeros(0, dtype=np.int64)


def tokens_of(text: str, unspaced: Unspaced | None) -> list[str]:
    """Words, numbers and punctuation marks."""
    return tokens_by_text([text], unspaced)[0]


def tokens_by_text(texts: Sequence[str], unspaced: Unspaced | None) -> list[list[str]]:
    """The same for several texts. Without blanks between words all are cut in one call: a line alone would take twice
    as long."""
    if unspaced is None or not texts:
        return [TOKEN.findall(text) for text in texts]
    cut = cut_words("\n".join(map(_apart, texts)), unspaced.units)
    return [tokens.split() for tokens in cut.split("\n")]


def _apart(text: str) -> str:
    """Tokens and runs of a text with blanks between them, on one line."""
    parts = runs().split(text)
    parts[::2] = [" ".join(TOKEN.findall(part)) for part in parts[::2]]
    return " ".join(parts)


def count_words(texts: Sequence[str], unspaced: Unspaced | None) -> list[int]:
    """Of each text, what stands between white space; without blanks between words, tokens that are not punctuation
    alone."""
    if unspaced is None:
        return [len(text.split()) for text in texts]
    return [len(_words(tokens)) for tokens in tokens_by_text(texts, unspaced)]


def _words(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token[0].isalnum() or token[-1].isalnum()]


def statistics(document: Document, unspaced: Unspaced | None = None) -> Statistics:
    """The document's statistics; new ones where its text has changed."""
    counted = document.metadata.get(KEY)
    if counted is None or counted.text is not document.text:
        counted = document.metadata[KEY] = Statistics(document.text, unspaced)
    return counted
