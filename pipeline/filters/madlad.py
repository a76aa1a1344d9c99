"""MADLAD-400's rules 2 and 5 (Kudugunta et al. 2023, arXiv 2309.04662, section 2.3 and its list of substrings).

A sentence is questionable where most of its words start with a capital (a list, a menu), or where it holds one of
the substrings that mark spam, catalogues and placeholder text; a document with too many of them is dropped.
"""

import re

from pipeline.filters.settings import MadladSettings
from pipeline.filters.statistics import Statistics

# The paper's list; literal but for the last six.
SUBSTRINGS = re.compile(
    "|".join(
        [
            *map(
                re.escape,
                (
                    " №", "\ufffd\ufffd\ufffd", "aute irure dolor ", " sunt in culpa qui ", "orem ipsum ",
                    " quis nostrud ", " adipisicing ", " dolore eu ", " cupidatat ", "autem vel eum", "wisi enim ad",
                    " sex ", " porn ", "黄色电影", "mp3", "ownload", "Vol.", " Ep.", "Episode", " шт.", "Develop",
                    "Facebook", " crusher ", " xxx ", ", ..,,? ..,,? ..,,? ..,,?",
                ),
            ),
            r"\|\s*$",
            r" nr\.$",
            r" (?:г|кг)\.\s*$",
            r" \.\.\.(?: \.\.\.){8}",
            r" \.{4}(?: \.{4}){8}",
            r" [^ ](?: [^ ]){8}",
        ]
    )
)  # fmt: skip


def madlad_rule(text: Statistics, settings: MadladSettings) -> str | None:
    """`too few sentences`, or the rule that more of the questionable sentences break."""
    sentences = text.sentences
    if len(sentences) < settings.min_sentences:
        return "too few sentences"
    lists = {number for number, sentence in enumerate(sentences) if _is_list(sentence, settings)}
    marked = {number for number, sentence in enumerate(sentences) if SUBSTRINGS.search(sentence)}
    if len(lists | marked) < settings.questionable * len(sentences):
        return None
    return "lists" if len(lists) > len(marked) else "marked substrings"


def _is_list(sentence: str, settings: MadladSettings) -> bool:
    words = [word for word in sentence.split() if not word.isascii() or any(map(str.isalnum, word))]
    if len(words) < settings.min_list_words:
        return False
    return sum(word.lstrip("\"'“‘([{*•-")[:1].isupper() for word in words) > settings.capitals * len(words)
