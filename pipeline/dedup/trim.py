"""Cuts repeated passages out of a text, never through a word or a number.

A repeat ends where two documents begin to differ, which may be in the middle of a word: 134 in one and 135 in the other
have 13 in common. A cut that ends inside a word leaves the whole word.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

LONGEST_WORD = 100  # characters that a cut may give up at either end; what is longer is no word (assumed)
# A letter, digit or mark of a script that puts blanks between words: others are cut anywhere.
BLANKLESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
PART = re.compile(f"[^\\W{BLANKLESS}]|[\u0300-\u036f]")
JOINT = frozenset(".,'’:/-")  # between two digits or two letters they are part of a word: 3.14, it's, 2024-10-01


def trim(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """A text without those bytes, sorted and disjoint spans of whole characters; words at their ends stay whole.

    Where two kept pieces meet and neither has white space there, a new line comes between them.
    """
    place, pieces = 0, [""]
    for start, end in [*_whole_words(text, spans), (len(text), 0)]:
        piece, place = text[place:start], end
        if piece:
            if pieces[-1] and not (pieces[-1][-1].isspace() or piece[0].isspace()):
                pieces.append("\n")
            pieces.append(piece)
    return "".join(pieces)


def _whole_words(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans in characters, drawn in to the ends of words; without those of which nothing is left."""
    for start, end in _in_characters(text, spans):
        first, last = start, end
        while first < last and first - start < LONGEST_WORD and _is_inside(text, first):
            first += 1
        while last > first and end - last < LONGEST_WORD and _is_inside(text, last):
            last -= 1
        first = start if first - start == LONGEST_WORD else first
        last = end if end - last == LONGEST_WORD else last
        if first < last:
            yield first, last


def _is_inside(text: str, place: int) -> bool:
    """Whether a word goes on over a place between two characters."""
    if not 0 < place < len(text):
        return False
    before, behind = text[place - 1], text[place]
    if PART.match(before) and PART.match(behind):
        return True
    if behind in JOINT and PART.match(before):
        return place + 1 < len(text) and _are_of_a_kind(before, text[place + 1])
    if before in JOINT and PART.match(behind):
        return place > 1 and _are_of_a_kind(text[place - 2], behind)
    return False


def _are_of_a_kind(one: str, other: str) -> bool:
    return (one.isdigit() and other.isdigit()) or (one.isalpha() and other.isalpha())


def _in_characters(text: str, spans: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Spans of bytes of the text in UTF-8 as spans of characters."""
    if text.isascii():
        return spans
    begins = (np.frombuffer(text.encode(), np.uint8) & 0xC0) != 0x80
    characters = np.concatenate([[0], np.cumsum(begins)])
    return [(int(characters[start]), int(characters[end])) for start, end in spans]
