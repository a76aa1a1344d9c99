"""The one experiment file: YAML, checked whole before anything runs.

Each section's model is beside its owner; this file only composes them and turns every mistake into one
line with file, field, value and the nearest right word.
"""

import json
import re
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from classifiers.settings import QualitySettings, TopicSettings
from flows.errors import ExperimentError
from flows.sections.deploy import DeploySettings
from flows.sections.refresh import RefreshSettings
from flows.show.progress import note
from mixes.errors import MixError, cut_short, first_mistake
from mixes.hashes import short_hash
from mixes.proxy.settings import ProxySettings
from mixes.recommendation.settings import RecommendSettings
from mixes.reuse.settings import ReuseSettings
from mixes.swarm import SwarmSettings
from mixes.tables.yaml_file import read_yaml
from mixes.upsampling import UpsamplingSettings
from pipeline.decontamination.settings import DecontaminateSettings
from pipeline.dedup.settings import DedupSettings
from pipeline.executor.settings import ExecutorSettings
from pipeline.filters.settings import FilterSettings, LanguageSettings
from pipeline.pool.settings import PoolSettings, TokenizerSettings
from pipeline.read.settings import ReadSettings
from pipeline.read.sources import SourceSettings
from pipeline.stages.corpus import Corpus
from pipeline.store.stage import StageStore
from pipeline.suite_settings import SuiteSettings

SOURCE_NAME = re.compile(r"[^\W_][\w.+#-]*")  # no slash, which divides a source from its topic
LONGEST_SOURCE = 60  # characters
WORK = "work"  # folder of the results of experiments that name none
LONGEST_NAME = 255  # bytes, in the usual file systems


class Experiment(BaseModel):
    """Everything that decides a recommendation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    """A label for people; it changes nothing. By default the file's name without its ending."""
    work: str
    """Folder of all results, relative to the experiment file. By default `work/` and the file's name without its
    ending."""
    seed: int = Field(0, ge=0, le=9_223_372_036_854_775_807)
    """Seed of the swarm's mixes, the folds and the bootstrap."""
    sources: dict[str, SourceSettings] = Field(min_length=1)
    """Name → input."""
    read: ReadSettings = ReadSettings()
    filters: FilterSettings = FilterSettings()
    language: LanguageSettings = LanguageSettings()
    dedup: DedupSettings = DedupSettings()
    removals: tuple[str, ...] = ()
    """Files that list what must not be in the pool, relative to the experiment file: one document id, URL or host per
    line."""
    decontaminate: DecontaminateSettings = DecontaminateSettings()
    quality: QualitySettings | None = None
    """Required where a source sets `quality`."""
    topics: TopicSettings | None = None
    """Required where a source sets `topics`."""
    pool: PoolSettings = PoolSettings()
    tokenizer: TokenizerSettings = TokenizerSettings()
    suite: SuiteSettings = SuiteSettings()
    proxy: ProxySettings = ProxySettings()
    swarm: SwarmSettings = SwarmSettings()
    recommend: RecommendSettings = RecommendSettings()
    reuse: ReuseSettings | None = None
    """Without it, the swarm is over all domains."""
    upsampling: UpsamplingSettings | None = None
    """Without it, a domain's quality buckets repeat evenly."""
    executor: ExecutorSettings = ExecutorSettings()
    deploy: DeploySettings = DeploySettings()
    refresh: RefreshSettings = RefreshSettings()
    base: Path = Field(exclude=True)
    """Folder of the experiment file; set when it is loaded."""

    _file: Path | None = PrivateAttr(None)

    @field_validator("sources")
    @classmethod
    def _can_be_domains(cls, sources: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        for name in sources:
            if not SOURCE_NAME.fullmatch(name) or len(name) > LONGEST_SOURCE:
                raise ValueError(
                    f"{cut_short(name)} cannot be a source's name, which its domains bear — begin with a letter or "
                    f"digit, go on with those and . _ + # -, at most {LONGEST_SOURCE} characters"
                )
        return sources

    @field_validator("work")
    @classmethod
    def _is_a_folder(cls, work: str) -> str:
        if "://" in work:
            raise ValueError("is an address, and results go to a folder of this machine — name one")
        if not work.strip() or any(len(part.encode()) > LONGEST_NAME for part in work.split("/")):
            raise ValueError("no folder can be called that — name a folder, relative to the experiment file")
        return work

    @model_validator(mode="after")
    def _classified(self) -> Self:
        for section in ("quality", "topics"):
            asking = [name for name, source in self.sources.items() if getattr(source, section)]
            if asking and getattr(self, section) is None:
                raise ValueError(f"section {section!r} is missing, and source {asking[0]!r} asks for it")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.reuse and self.swarm.by_scores:
            name = "swarm.stop" if self.swarm.stop else f"swarm.rounds {list(self.swarm.rounds)}"
            raise ValueError(f"reuse and {name} exclude each other — keep one")
        if self.reuse and self.reuse.runs and self.swarm.match_repetition:
            raise ValueError(
                "reuse.runs and swarm.match_repetition exclude each other: what matched proxies read depends on the "
                "whole pool — keep one"
            )
        return self

    @model_validator(mode="after")
    def _quality_once(self) -> Self:
        if not self.pool.quality_parts:
            return self
        if self.upsampling:
            raise ValueError("upsampling and pool.quality_parts both say how much of each quality to take — keep one")
        if not any(source.quality for source in self.sources.values()):
            raise ValueError("pool.quality_parts: no source is scored — set `quality: true` in one, or leave it out")
        return self

    @property
    def file(self) -> Path | None:
        """The experiment file; None of an experiment that was made in a program."""
        return self._file

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        return (self.base / self.work).resolve()

    @property
    def records(self) -> Path:
        """Immutable Parquet records by table."""
        return self.folder / "records"

    @property
    def catalog(self) -> Path:
        """The DuckDB catalog."""
        return self.folder / "catalog.duckdb"

    @cached_property
    def id(self) -> str:
        """Hash of every setting that decides a result: neither names, folders, the executor, schedules nor how
        proxies are organised."""
        decided = self.model_dump(mode="json", exclude={"name", "work", "executor", "deploy", "refresh"})
        decided["proxy"] = {**self.proxy.decisive(), "init_from": self.proxy.init_from}
        return "experiment-" + short_hash(json.dumps(decided, sort_keys=True))

    @property
    def corpus(self) -> Corpus:
        """The sections that make the pool."""
        return Corpus(
            base=self.base,
            stages=StageStore(self.folder / "stages", note=partial(note, "stages")),
            sources=self.sources,
            read=self.read,
            filters=self.filters,
            language=self.language,
            dedup=self.dedup,
            removals=self.removals,
            decontaminate=self.decontaminate,
            suite=self.suite.path,
            quality=self.quality,
            topics=self.topics,
            pool=self.pool,
            tokenizer=self.tokenizer,
            context=self.proxy.context,
            executor=self.executor,
        )


def _place_of_nul(content: object, place: str = "") -> str | None:
    """The first field whose text holds a NUL, as `suite.path`."""
    if isinstance(content, str):
        return place or "its text" if "\0" in content else None
    if isinstance(content, dict):
        parts = [(f"{place}.{name}".strip("."), part) for name, value in content.items() for part in (name, value)]
    else:
        parts = [(place, part) for part in content] if isinstance(content, list) else []
    return next((found for at, part in parts if (found := _place_of_nul(part, at))), None)


def load_experiment(path: Path) -> Experiment:
    """Read and check an experiment file.

    Raises:
        ExperimentError: it cannot be read, is not YAML, or a field is unknown or wrong.
    """
    try:
        content = read_yaml(path)
    except MixError as error:
        raise ExperimentError(str(error)) from None
    if place := _place_of_nul(content):
        raise ExperimentError(f"{path}: {place}: holds a NUL character, which no path or name can — take it out")
    if not isinstance(content, dict):
        raise ExperimentError(f"{path}: holds no sections — `mixwright new DIR` writes an experiment file")
    try:
        named = {"name": path.stem, "work": f"{WORK}/{path.stem}", **content}
        experiment = Experiment(**{**named, "base": path.resolve().parent})
    except ValidationError as error:
        raise ExperimentError(f"{path}: {first_mistake(error, Experiment)}") from None
    except TypeError:
        raise ExperimentError(f"{path}: a section's name is not a text") from None
    experiment._file = path.resolve()
    return experiment
