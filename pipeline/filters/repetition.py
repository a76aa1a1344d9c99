"""Repetition: Gopher's rules on repeated lines, paragraphs and n-grams (Rae et al. 2021, table A1).

Shares are of the text's characters. A repeated n-gram counts once for every place where it stands again, places
that overlap once only, as in the published table's counting.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.filters.settings import RepetitionSettings
from pipeline.filters.statistics import Statistics


def repetition_rule(text: Statistics, settings: RepetitionSettings) -> str | None:
    """The first rule that a text breaks, by name."""
    characters = len(text.text)
    for what, parts, share_limit, most_characters in (
        ("paragraph", text.paragraphs, settings.max_paragraphs, settings.max_paragraph_characters),
        ("line", text.lines, settings.max_lines, settings.max_line_characters),
    ):
        different = set(parts)
        if len(parts) == len(different):
            continue
        if len(parts) - len(different) > share_limit * len(parts):
            return f"repeated {what}s"
        if sum(map(len, parts)) - sum(map(len, different)) > most_characters * characters:
            return f"characters of repeated {what}s"
    for n, share in settings.max_top_ngrams.items():
        _, first, times = text.ngrams(n)
        if len(times):
            most_often = np.flatnonzero(times == times.max())
            place = int(first[most_often].min())  # of equally frequent ones the first, as they are counted elsewhere
            spaces = 0 if text.unspaced else n - 1
            length = int(text.ngram_lengths(n)[place]) + spaces
            if length * int(times.max()) > share * characters:
                return f"top {n}-gram"
    for n, share in settings.max_repeated_ngrams.items():
        if repeated_characters(text, n, share * characters) > share * characters:
            return f"repeated {n}-grams"
    return None


def repeated_characters(text: Statistics, n: int, enough: float) -> int:
    """Characters of the n-grams that repeat an earlier one, walking on behind each of them.

    The walk is only taken where the repeated n-grams together cover more than `enough` characters.
    """
    hashes = text.ngram_hashes(n)
    _, first = np.unique(hashes, return_index=True)
    if len(first) == len(hashes):
        return 0
    again = np.ones(len(hashes), dtype=np.int64)
    again[first] = 0
    covered = np.convolve(again, np.ones(n, dtype=np.int64)) > 0  # (n_tokens,)
    upper_bound = int(text.token_lengths[covered].sum())
    return upper_bound if upper_bound <= enough else _walk(hashes.tolist(), text.ngram_lengths(n).tolist(), n)


def _walk(hashes: Sequence[int], lengths: Sequence[int], n: int) -> int:
    seen: set[int] = set()
    characters = place = 0
    while place < len(hashes):
        if hashes[place] in seen:
            characters += lengths[place]
            place += n
        else:
            seen.add(hashes[place])
            place += 1
    return characters
