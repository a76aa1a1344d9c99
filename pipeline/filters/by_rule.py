"""The filters that only look at a text: a name and the rule that tells what the text breaks."""

from collections.abc import Callable
from pathlib import Path

from datatrove.data import Document

from pipeline.filters.statistics import Statistics, statistics
from pipeline.store.funnel import FilterStep
from pipeline.unspaced import Unspaced

Rule = Callable[[Statistics], str | None]  # the broken rule by name, or None


class ByRule(FilterStep):
    """Drops a document by the first rule that its text breaks."""

    def __init__(self, name: str, rule: Rule, folder: Path, unspaced: Unspaced | None = None) -> None:
        super().__init__(folder)
        self.name, self.rule, self.unspaced = name, rule, unspaced

    def judge(self, document: Document) -> str | None:
        """The broken rule, or None."""
        return self.rule(statistics(document, self.unspaced))
