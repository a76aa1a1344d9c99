"""Characters that are no text: what is removed or replaced in every document, pages and records alike.

Kept are joiners and non-joiners (U+200C, U+200D: they spell words in Persian and Indic scripts, and join emoji) and
variation selectors. A zero-width space is kept where it is the blank between words: inside Thai, Lao, Burmese, Khmer.
Everything else that nobody sees hides words from filters, deduplication and decontamination, and is removed.
"""

import re
from pathlib import Path

from datatrove.data import Document

from pipeline.read.encodings import decode
from pipeline.store.funnel import FilterStep

SUSPECT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u206f"
    "\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffc\ufffe\uffff\U000e0000-\U000e007f]"
)
CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\n\r"})  # ten times as fast to look for in ASCII (measured)
REMOVED = [
    *range(0x09), *range(0x0E, 0x20), 0x7F,  # control characters of ASCII but for tab, line feed, carriage return
    0xAD,  # soft hyphens
    0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A),  # writing directions
    0x2060, *range(0x206A, 0x2070), 0xFEFF, *range(0xFFF9, 0xFFFD),  # word joiners, byte order marks, placeholders
    *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF,  # no characters
]  # fmt: skip
# The control characters beyond ASCII are text of Windows-1252 that was taken for Latin-1, as HTML reads &#146; too.
WINDOWS = {code: decode(bytes([code]), "windows-1252") for code in range(0x80, 0xA0)}
CLEANED: dict[int, str | None] = {
    **dict.fromkeys(REMOVED),
    **{code: None if ord(character) == code else character for code, character in WINDOWS.items()},
    **dict.fromkeys((0x0B, 0x0C, 0x2028, 0x2029), "\n"),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),  # halves of characters
}
BLANKLESS = "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"  # scripts that write a zero-width space between words
NO_BLANK = re.compile(f"(?<!{BLANKLESS})\u200b|\u200b(?!{BLANKLESS})")
TAGS = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f)|[\U000e0000-\U000e007f]")  # flags are spelled in them


class CleanCharacters(FilterStep):
    """Removes and replaces characters that are no text; its funnel counts their bytes."""

    name = "characters"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)

    def judge(self, document: Document) -> str | None:
        """Drops a document of nothing else."""
        document.text = cleaned(document.text)
        return None if document.text.strip() else "no text"


def cleaned(text: str) -> str:
    """A text without characters that are none."""
    if text.isascii():
        content = text.encode()
        suspect = len(content.translate(None, CONTROLS)) < len(content)
    else:
        suspect = SUSPECT.search(text) is not None
    return TAGS.sub(r"\1", NO_BLANK.sub("", text.translate(CLEANED))) if suspect else text
