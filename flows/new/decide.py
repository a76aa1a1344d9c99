"""What an experiment says of each source: filters, steps left out, domains, the part that is taken."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flows.errors import ExperimentError
from flows.new.one_source import Named
from pipeline.errors import PipelineError
from pipeline.filters.settings import FilterSettings, HeuristicSettings, LanguageSettings
from pipeline.look.fields import DomainField
from pipeline.look.source import SeenSource, look_at, with_filters, with_languages
from pipeline.unspaced import unspaced_language

LEAST_KEPT = 0.3  # share of a source's pages below which the filters are left off for records from the web (assumed)
LEAST_TEXT = 10_000  # bytes of a source; less makes no validation split and no proxy
LEFT_BY_DEDUP = 0.9  # share of the text that deduplication leaves (assumed)
LEAST_PART = 20e6  # bytes of text that are taken of a source where it holds them (assumed)
FEW_SHARDS = 4  # fewer than these are taken whole
ENGLISH = "en"


@dataclass(frozen=True)
class Source:
    """A source, what was seen of it and what was decided."""

    named: Named
    seen: SeenSource
    filters: bool
    why: str  # the filters are on or off
    domain: DomainField | None = None  # that is taken
    sample: int | None = None  # shards that are taken

    @property
    def part(self) -> float:
        """The share of its files that is taken."""
        return self.sample / self.seen.files if self.sample else 1.0

    @property
    def whole_text(self) -> float:
        """Bytes of text that the filters are expected to leave of all its files."""
        kept = self.seen.kept.text if self.seen.kept and self.filters else 1.0
        return max(kept, 0.01) * self.seen.text_bytes * LEFT_BY_DEDUP

    @property
    def domain_text(self) -> dict[str, float]:
        """Domain → bytes of text that are expected in the pool."""
        text = self.part * self.whole_text
        if not self.domain:
            return {self.named.name: text}
        rows = sum(count for _, count in self.domain.values)
        return {f"{self.named.name}/{value}": text * count / rows for value, count in self.domain.values}


@dataclass(frozen=True)
class Decided:
    """All sources, and the language that the filters keep."""

    sources: tuple[Source, ...]
    keep: str
    filters: FilterSettings
    languages_told: bool

    @property
    def domain_text(self) -> dict[str, float]:
        """Domain → bytes of text that are expected in the pool."""
        return {name: text for source in self.sources for name, text in source.domain_text.items()}


def decide(named: Sequence[Named], text: str | None, model: Path | None) -> Decided:
    """Look at every source, and decide. model: the language model; None where it cannot be had.

    Raises:
        ExperimentError: there is one domain alone, or a source holds too little.
        PipelineError: a source cannot be read, or has no field of texts.
    """
    seen = [look_at(source.where, source.files, source.format, text) for source in named]
    if model:
        seen = [with_languages(one, model) for one in seen]
    keep = _language(seen)
    filters = FilterSettings()
    if keep != ENGLISH and not unspaced_language(keep):
        filters = FilterSettings(heuristics=HeuristicSettings(min_stop_words=0))
    if model:
        seen = [with_filters(one, model, filters, LanguageSettings(keep=keep)) for one in seen]
    sources = [Source(name, one, *_filters(one)) for name, one in zip(named, seen, strict=True)]
    if len(sources) == 1:
        sources = [_by_domain(sources[0])]
    for source in sources:
        if source.whole_text < LEAST_TEXT:
            after = " after the filters" if source.filters else ""
            raise ExperimentError(
                f"{source.named.where}: holds about {source.whole_text / 1e3:,.1f} kB of text{after}, too little for a "
                f"source — give at least {LEAST_TEXT // 1_000} kB, and better a megabyte or more"
            )
    return Decided(tuple(sources), keep, filters, model is not None)


def _language(seen: Sequence[SeenSource]) -> str:
    """The commonest language of pages, which the filters keep; English where there are none."""
    counts: Counter[str] = Counter()
    for source in seen:
        if source.is_web:
            for label, share in source.languages:
                counts[label] += round(1_000 * share)
    return counts.most_common(1)[0][0] if counts else ENGLISH


def _filters(seen: SeenSource) -> tuple[bool, str]:
    """Whether the filters for web pages apply, and why."""
    kept = f"{seen.kept.documents:.0%} of the sampled texts" if seen.kept else ""
    keeping = f" (the filters keep {kept})" if kept else ""
    would_keep = f" (the filters for web pages would keep {kept})" if kept else ""
    if seen.format in ("warc", "wet"):
        return True, f"it holds pages of a crawl{keeping}"
    if not seen.is_web:
        return False, f"it holds programs{would_keep}" if seen.is_code else f"it is taken for clean text{would_keep}"
    if seen.kept and seen.kept.documents < LEAST_KEPT:
        return False, f"too few of its pages would be left{would_keep}"
    return True, f"its URLs name many sites{keeping}"


def _by_domain(source: Source) -> Source:
    """One source, split by the field that names its domains: a mix needs two."""
    field = source.seen.chosen.domain
    if not field:
        raise ExperimentError(
            f"{source.named.where}: is one source, and a mix needs two domains — name two or more folders, or a folder "
            "with subfolders, or give its records a field such as 'domain' with a few different values"
        )
    return replace(source, domain=field)


def take_part(decided: Decided, share: float) -> Decided:
    """The same with as many shards of every source as make this share of it, and no source small."""
    if share >= 1:
        return decided
    return replace(decided, sources=tuple(_part_of(source, share) for source in decided.sources))


def _part_of(source: Source, share: float) -> Source:
    least = min(1.0, LEAST_PART / source.whole_text)
    shards = max(2, math.ceil(max(share, least) * source.seen.files))
    is_small = source.seen.files < FEW_SHARDS or shards >= source.seen.files
    return source if is_small else replace(source, sample=shards)


def language_model(note: Callable[[str], None]) -> tuple[Path | None, str]:
    """The default language model, and why it is not to be had."""
    from pipeline.sample.defaults import LANGUAGE_MODEL, located

    try:
        return located(LANGUAGE_MODEL, note), ""
    except PipelineError as error:
        return None, str(error)
