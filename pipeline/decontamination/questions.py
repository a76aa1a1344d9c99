"""What of an eval item can be looked for: the words of its own question, without what its task puts around it.

A suite's context carries solved examples, passages, instructions and cues. A passage is source text that a corpus may
hold by right, and an example is no item: only the last labelled part of a context is its question ("Question: …" in
"Title: … Background: … Question: … Answer:"). Labels are learned from the task, since every suite has its own.
"""

import re
import unicodedata
from collections import Counter

WORD = re.compile(r"[^\W_]+")
UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
)
LABEL = re.compile(r"^(Q|\w\w+):", re.MULTILINE)  # other single letters are options
CUE = re.compile(r"\n\w+:\s*\Z")  # what the answer follows
SAMPLE = 100  # contexts of a task that its labels are learned from


def plain(text: str) -> str:
    """A text without what a reader cannot see (soft hyphens, zero-width characters), its accents composed."""
    if text.isascii():
        return text
    text = UNSEEN.sub("", text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def words(text: str) -> list[str]:
    """Words in lower case; punctuation, underscores and white space only divide them."""
    return list(map(str.lower, WORD.findall(plain(text))))


def find_labels(contexts: list[str]) -> re.Pattern[str] | None:
    """Matches the words that start a line, with a colon, in at least half of a task's contexts."""
    sample = contexts[:SAMPLE]
    counted = Counter(label for context in sample for label in set(LABEL.findall(context)))
    common = sorted(label for label, times in counted.items() if 2 * times >= len(sample))
    return re.compile(rf"^(?:{'|'.join(common)}):", re.MULTILINE) if common else None


def question(context: str, labels: re.Pattern[str] | None) -> str:
    """The last labelled part of a context that has a word; the whole context where its task has no labels.

    >>> context = "Question: Who fell?\\nAnswer: He.\\n\\nQuestion: Who rose?\\nAnswer:"
    >>> question(context, find_labels([context])).strip()
    'Who rose?'
    """
    context = CUE.sub("", context)
    parts = labels.split(context) if labels else [context]
    return next((part for part in reversed(parts) if WORD.search(part)), "")
