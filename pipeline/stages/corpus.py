"""The experiment's sections that make the pool, as flow 1's stages take them."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from classifiers.settings import QualitySettings, TopicSettings
from pipeline.decontamination.settings import DecontaminateSettings
from pipeline.dedup.settings import DedupSettings
from pipeline.errors import PipelineError
from pipeline.executor.settings import ExecutorSettings
from pipeline.filters.settings import FilterSettings, LanguageSettings
from pipeline.pool.settings import PoolSettings, TokenizerSettings
from pipeline.read.settings import ReadSettings
from pipeline.read.sources import TOKENS, SourceSettings, find_shards
from pipeline.sample.defaults import LANGUAGE_MODEL, SUITE, DefaultFile, located
from pipeline.store.stage import StageStore


@dataclass(frozen=True)
class Corpus:
    """What decides the pool, and where it goes."""

    base: Path  # paths of the experiment are relative to it
    stages: StageStore
    sources: dict[str, SourceSettings]
    read: ReadSettings
    filters: FilterSettings
    language: LanguageSettings
    dedup: DedupSettings
    removals: tuple[str, ...]
    decontaminate: DecontaminateSettings
    suite: str | None  # None is the default
    quality: QualitySettings | None
    topics: TopicSettings | None
    pool: PoolSettings
    tokenizer: TokenizerSettings
    context: int  # tokens of a proxy's sequence: what a domain must hold at least
    executor: ExecutorSettings

    def file(self, path: str, section: str) -> Path:
        """A file that the experiment names."""
        file = self.base / path
        if not file.is_file():
            what = "is no file" if os.path.lexists(file) else "no file"
            raise PipelineError(f"{section}: {what} {path!r} (looked for {Path(os.path.abspath(file))})")
        return file

    @property
    def language_model(self) -> Path | DefaultFile:
        """The file of the language model."""
        return self.file(self.language.model, "language.model") if self.language.model else LANGUAGE_MODEL

    @property
    def suite_file(self) -> Path | DefaultFile:
        """The file of the eval suite."""
        return self.file(self.suite, "suite.path") if self.suite else SUITE

    def located(self, file: Path | DefaultFile) -> Path:
        """Where such a file is; a default is fetched where it is not there yet."""
        return located(file, self.stages.note)

    @property
    def finding(self) -> "Corpus":
        """The same corpus; its stages are found where they are finished, and nothing is made."""
        return replace(self, stages=self.stages.finding)

    def text_shard(self, rank: int) -> str:
        """What rank number `rank` of the stages after `filter` works on: the texts of one shard."""
        return find_shards(self.texts, self.base)[rank].label

    @property
    def texts(self) -> dict[str, SourceSettings]:
        """The sources whose documents are texts."""
        return {name: source for name, source in self.sources.items() if source.format != TOKENS}

    @property
    def tokenised(self) -> dict[str, SourceSettings]:
        """The sources that come as token ids."""
        return {name: source for name, source in self.sources.items() if source.format == TOKENS}

    @property
    def off(self) -> dict[str, frozenset[str]]:
        """Source of texts → steps that it has switched off."""
        return {name: frozenset(source.steps_off) for name, source in self.texts.items()}
