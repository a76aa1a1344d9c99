"""What a source holds, as far as a few of its records tell."""

import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.filters.settings import FilterSettings, LanguageSettings, UrlSettings
from pipeline.look.fields import Chosen, choose_fields, many_hosts
from pipeline.look.formats import NAMES
from pipeline.look.listing import FileAt
from pipeline.look.sample import Sample, sample_files
from pipeline.read.record import field
from pipeline.read.sources import Fields, Format

MOST_TEXTS = 300  # that languages are told of, and that filters are tried on
LEAST_REST = 0.02  # share of the texts below which a language is not named
CODE = 0.6  # share of lines that look like code, of half of the texts (measured: code 0.92, math 0.36, prose 0)
LONGEST_LOOKED_AT = 20_000  # characters of a text
CODE_LINE = re.compile(
    r"[;{}():,=\[\]>]\s*$"
    r"|^\s*(def|class|import|from|return|if|else|elif|for|while|try|except|#include|#define|#if|#endif|//|/\*|\*|@\w"
    r"|function|var|let|const|public|private|static|fn|use|end|raise|with|assert|self\.|[\w.\[\]]+\s*[+*/|-]?=[^=])"
)


@dataclass(frozen=True)
class Kept:
    """What the filters for web pages left of the sampled texts."""

    documents: float  # share
    text: float  # share of the bytes
    step: str  # that dropped the most


@dataclass(frozen=True)
class SeenSource:
    """A source's files and what was seen of them. Numbers are estimates from the sampled records."""

    format: Format
    files: int
    size: int  # bytes on disk
    chosen: Chosen
    documents: int
    text_bytes: int
    is_whole: bool  # whether every record was looked at
    texts: tuple[str, ...]
    languages: tuple[tuple[str, float], ...] = ()  # (code, share), the commonest first; empty where not told
    is_web: bool = False
    is_code: bool = False
    kept: Kept | None = None

    @property
    def fields(self) -> Fields:
        """Where records keep what."""
        return self.chosen.fields


def look_at(where: str, files: Sequence[FileAt], kind: Format, text: str | None = None) -> SeenSource:
    """What a source's files hold.

    text: the field that holds the text, where the user says it.

    Raises:
        PipelineError: no record can be read, or no field holds the text.
    """
    holding = [file for file in files if file.size != 0]
    sample = sample_files(holding, kind)
    if not sample.rows:
        reason = sample.reason or "there is none"
        raise PipelineError(f"{where}: no record of it can be read ({reason}) — is it {NAMES[kind]}?")
    chosen = choose_fields(sample.rows, None if kind in ("warc", "wet") else text)
    if isinstance(chosen, str):
        raise PipelineError(f"{where}: {chosen}")
    path = chosen.fields.text
    texts = [value for row in sample.rows if isinstance(value := field(row, path), str) and value.strip()]
    size = sum(file.size or 0 for file in files)
    documents, is_whole = _documents(sample, len(texts), size)
    mean = sum(len(text.encode("utf-8", "replace")) for text in texts) / max(len(texts), 1)
    step = max(1, len(texts) // MOST_TEXTS)
    return SeenSource(
        kind, len(files), size, chosen, documents, round(documents * mean), is_whole, tuple(texts[::step][:MOST_TEXTS]),
        is_web=kind in ("warc", "wet") or many_hosts(sample.rows, chosen.fields.url),
        is_code=is_code(texts[::step][:MOST_TEXTS]),
    )  # fmt: skip


def _documents(sample: Sample, texts: int, size: int) -> tuple[int, bool]:
    """Documents of all files, and whether all were looked at."""
    if sample.total is not None and sample.total:
        scale = size / sample.of_bytes if sample.of_bytes and size else 1.0
        return round(scale * sample.total * texts / len(sample.rows)), scale == 1 and sample.total == len(sample.rows)
    is_whole = not sample.used or sample.used >= size
    return (texts, True) if is_whole else (round(texts * size / sample.used), False)


def is_code(texts: Sequence[str]) -> bool:
    """Whether half of the texts are programs, by what their lines begin and end with."""
    shares = []
    for text in texts:
        lines = [line for line in text[:LONGEST_LOOKED_AT].splitlines() if line.strip()]
        shares.append(sum(bool(CODE_LINE.search(line)) for line in lines) / max(1, len(lines)))
    return bool(shares) and sorted(shares)[len(shares) // 2] >= CODE


def with_languages(seen: SeenSource, model: Path) -> SeenSource:
    """The same with the languages of its texts."""
    from classifiers.model import TextModel

    labels = Counter(label for label, _ in TextModel(model).best(list(seen.texts))) if seen.texts else Counter()
    total = sum(labels.values())
    named = [(label, count / total) for label, count in labels.most_common() if count / total >= LEAST_REST]
    return replace(seen, languages=tuple(named))


def with_filters(seen: SeenSource, model: Path, filters: FilterSettings, language: LanguageSettings) -> SeenSource:
    """The same with what these filters would keep of its texts; the URL list, which takes seconds to make, left out."""
    from datatrove.data import Document

    from pipeline.filters.chain import filter_chain
    from pipeline.read.extract import ExtractText

    documents = [
        Document(text=text, id=str(number), metadata={"source": "seen"}) for number, text in enumerate(seen.texts)
    ]
    before, all_bytes = len(documents), sum(len(text) for text in seen.texts)
    if not before:
        return seen
    most, by = 0, ""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tried = filters.model_copy(update={"urls": UrlSettings(enabled=False)})
        for step in filter_chain(tried, language, model, folder, ExtractText(folder), folder):
            left = list(step.run(iter(documents)))
            if len(documents) - len(left) > most:
                most, by = len(documents) - len(left), step.name
            documents = left
    share = sum(len(document.text) for document in documents) / max(1, all_bytes)
    return replace(seen, kept=Kept(len(documents) / before, share, by))
