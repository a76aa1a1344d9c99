"""Keeps documents of the wanted language, by fastText's lid.176."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from datatrove.data import Document

from classifiers.model import TextModel
from pipeline.filters.settings import LanguageSettings
from pipeline.store.funnel import FilterStep

BATCH = 256  # documents scored in one call


class KeepLanguage(FilterStep):
    """Scores documents in batches, drops those of another language or an unsure one."""

    name = "language"

    def __init__(self, model: Path, settings: LanguageSettings, folder: Path) -> None:
        super().__init__(folder)
        self.model, self.settings = model, settings

    def judge(self, document: Document) -> str | None:
        """The score was set by `run`."""
        label, score = document.metadata.pop("language")
        if label != self.settings.keep:
            return "other language"
        return "unsure language" if score < self.settings.min_score else None

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """As FilterStep's, over documents that carry their language."""
        return super().run(self._scored(data), rank, world_size)

    def _scored(self, data: Iterator[Document]) -> Iterator[Document]:
        model = None
        while batch := list(islice(data, BATCH)):
            asked = [document for document in batch if self.name not in document.metadata.get("off", ())]
            if asked:
                model = model or TextModel(self.model)
                for document, language in zip(asked, model.best([d.text for d in asked]), strict=True):
                    document.metadata["language"] = language
            yield from batch
