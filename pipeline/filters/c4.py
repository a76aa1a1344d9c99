"""C4's rules (Raffel et al. 2020, JMLR 21:140, section 2.2): lines that are no sentences, pages that are no prose.

Off by default: OLMo 3's chain has none of them, FineWeb's has all but the terminal punctuation.
"""

import re
from pathlib import Path

from datatrove.data import Document

from pipeline.filters.settings import C4Settings
from pipeline.filters.statistics import tokens_by_text
from pipeline.store.funnel import FilterStep
from pipeline.unspaced import Unspaced

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
SENTENCES = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)")
TERMINAL = (".", "?", "!", '"', "'")
UNSPACED_SENTENCES = re.compile(SENTENCES.pattern + r"|[。．！？｡។៕။]+[」』”’）)]*")
UNSPACED_TERMINAL = tuple("。．！？｡។៕။」』”’")
POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


class C4(FilterStep):
    """Cuts lines, drops documents."""

    name = "c4"

    def __init__(self, settings: C4Settings, folder: Path, unspaced: Unspaced | None = None) -> None:
        super().__init__(folder)
        self.settings, self.unspaced = settings, unspaced

    def judge(self, document: Document) -> str | None:
        """The broken rule; else the document has only the lines that may stay."""
        kept = c4_lines(document.text, self.settings, self.unspaced)
        if isinstance(kept, list):
            document.text = "\n".join(kept)
            return None
        return kept


def c4_lines(text: str, settings: C4Settings, unspaced: Unspaced | None = None) -> list[str] | str:
    """The lines that stay, or the rule for which the whole document is dropped."""
    kept = []
    sentences = 0
    ends_of, terminal = (UNSPACED_SENTENCES, TERMINAL + UNSPACED_TERMINAL) if unspaced else (SENTENCES, TERMINAL)
    lines = [line.strip() for line in text.splitlines()]
    words_of = tokens_by_text(lines, unspaced) if unspaced else map(str.split, lines)
    for line, words in zip(lines, words_of, strict=True):
        if len(words) < settings.min_words_a_line or len(max(words, key=len, default="")) > settings.max_word_length:
            continue
        line = CITATION.sub("", line)
        if settings.terminal_punctuation and (not line.endswith(terminal) or line.endswith("...")):
            continue
        lower = line.lower()
        if "lorem ipsum" in lower:
            return "lorem ipsum"
        if "javascript" in lower:
            continue
        if "{" in line:
            return "curly bracket"
        if any(policy in lower for policy in POLICIES):
            continue
        ends = [end.end() for end in ends_of.finditer(line)]
        sentences += len(ends) + (not ends or ends[-1] < len(line))
        kept.append(line)
    return kept if kept and sentences >= settings.min_sentences else "too few sentences"
