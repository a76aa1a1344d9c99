"""Flow 1's stages, shards to pool: what each depends on, which steps it runs, and over how many ranks."""

from dataclasses import dataclass
from pathlib import Path

from classifiers.settings import QualitySettings, TopicSettings
from pipeline.classify import train_quality, train_topics
from pipeline.dedup import DedupSettings, ExactDedup
from pipeline.documents import WriteDocuments
from pipeline.domains import PoolSettings, plan_domains
from pipeline.errors import PipelineError
from pipeline.executor import ExecutorSettings, Progress, run_steps
from pipeline.extract import ExtractText
from pipeline.heuristics import Heuristics, HeuristicSettings
from pipeline.label import LabelDocuments
from pipeline.language import KeepLanguage, LanguageSettings
from pipeline.pool import write_manifest
from pipeline.read import ReadShards
from pipeline.sources import SourceSettings, find_shards
from pipeline.stage import Stage, hash_files, run_stage
from pipeline.tokenise import TokeniseDocuments
from pipeline.tokenizer import TokenizerSettings, make_tokenizer


@dataclass(frozen=True)
class Corpus:
    """The experiment's sections that make the pool."""

    base: Path  # paths of the experiment are relative to it
    stages: Path  # folder of the stages
    sources: dict[str, SourceSettings]
    heuristics: HeuristicSettings
    language: LanguageSettings
    dedup: DedupSettings
    quality: QualitySettings
    topics: TopicSettings
    pool: PoolSettings
    tokenizer: TokenizerSettings
    context: int  # tokens of a proxy's sequence: what a domain must hold at least
    executor: ExecutorSettings

    def file(self, path: str, section: str) -> Path:
        """A file that the experiment names."""
        found = self.base / path
        if not found.is_file():
            raise PipelineError(f"{section}: no file {path!r} (looked for {found.resolve()})")
        return found


def filter_shards(corpus: Corpus, progress: Progress) -> Path:
    """Read, extract, heuristics, language; a rank a shard."""
    shards = find_shards(corpus.sources, corpus.base)
    model = corpus.file(corpus.language.model, "language.model")
    settings = {
        "sources": {name: _reading(source) for name, source in corpus.sources.items()},
        "heuristics": corpus.heuristics.model_dump(),
        "language": corpus.language.model_dump(exclude={"model"}),
    }
    inputs = [
        f"{s}:{hash_files(corpus.stages, [x.path for x in shards if x.source == s])}" for s in sorted(corpus.sources)
    ]
    stage = Stage("filter", 1, settings, (*inputs, hash_files(corpus.stages, [model])))

    def work(folder: Path) -> None:
        steps = [
            ReadShards(shards, folder),
            ExtractText(folder),
            Heuristics(corpus.heuristics, folder),
            KeepLanguage(model, corpus.language, folder),
            WriteDocuments(folder),
        ]
        run_steps(steps, len(shards), folder / "logs", corpus.executor, progress)

    return run_stage(corpus.stages, stage, work)


def deduplicate(corpus: Corpus, filtered: Path, progress: Progress) -> Path:
    """Exact duplicates; a rank a partition of the hashes."""
    stage = Stage("deduplicate", 1, corpus.dedup.model_dump(), (filtered.name,))

    def work(folder: Path) -> None:
        step = ExactDedup(filtered, corpus.dedup, folder)
        run_steps([step], corpus.dedup.partitions, folder / "logs", corpus.executor, progress)

    return run_stage(corpus.stages, stage, work)


def train_classifiers(corpus: Corpus, filtered: Path, progress: Progress) -> Path:
    """The quality and topic models, cross-fitted."""
    for section, source in (
        ("quality.negatives", corpus.quality.negatives),
        ("topics.labelled", corpus.topics.labelled),
    ):
        if source not in corpus.sources:
            raise PipelineError(f"{section}: no source {source!r} — known are {', '.join(sorted(corpus.sources))}")
    positives = sorted(file for file in corpus.base.glob(corpus.quality.positives) if file.is_file())
    if not positives:
        raise PipelineError(f"quality.positives: no file matches {corpus.quality.positives!r}")
    language = corpus.file(corpus.language.model, "language.model")
    settings = {
        "quality": corpus.quality.model_dump(exclude={"positives"}),
        "topics": corpus.topics.model_dump(exclude={"most_domains", "min_bytes"}),
    }
    stage = Stage("classify", 1, settings, (filtered.name, hash_files(corpus.stages, positives)))
    folds = corpus.quality.folds, corpus.quality.folds + corpus.topics.folds

    def work(folder: Path) -> None:
        train_quality(
            filtered, positives, language, corpus.language.keep, corpus.quality, folder,
            lambda done, _: progress(done, folds[1]),
        )  # fmt: skip
        train_topics(filtered, corpus.topics, folder, lambda done, _: progress(folds[0] + done, folds[1]))

    return run_stage(corpus.stages, stage, work)


def label_documents(corpus: Corpus, filtered: Path, deduplicated: Path, models: Path, progress: Progress) -> Path:
    """Quality and topic of every document that is left; a rank a shard."""
    wanted = {name: source.model_dump(include={"quality", "topics"}) for name, source in corpus.sources.items()}
    stage = Stage("label", 1, wanted, (filtered.name, deduplicated.name, models.name))

    def work(folder: Path) -> None:
        folds = {"quality": corpus.quality.folds, "topic": corpus.topics.folds}
        step = LabelDocuments(filtered, deduplicated, models, folds, corpus.sources, folder)
        run_steps([step], _ranks(filtered), folder / "logs", corpus.executor, progress)

    return run_stage(corpus.stages, stage, work)


def choose_domains(corpus: Corpus, labelled: Path) -> Path:
    """Domains, bucket edges, validation split."""
    topics = corpus.topics
    settings = {**corpus.pool.model_dump(), "most_domains": topics.most_domains, "min_bytes": topics.min_bytes}
    stage = Stage("domains", 1, settings, (labelled.name,))
    return run_stage(
        corpus.stages,
        stage,
        lambda folder: plan_domains(
            labelled, corpus.sources, corpus.pool, topics.min_bytes, topics.most_domains, folder
        ),
    )


def train_tokenizer(corpus: Corpus, filtered: Path, labelled: Path, domains: Path) -> Path:
    """The pool's BPE, or the one that is given."""
    given = corpus.file(corpus.tokenizer.path, "tokenizer.path") if corpus.tokenizer.path else None
    settings = corpus.tokenizer.model_dump(exclude={"path"})
    inputs = (hash_files(corpus.stages, [given]),) if given else (filtered.name, labelled.name, domains.name)
    return run_stage(
        corpus.stages,
        Stage("tokenizer", 1, settings, inputs),
        lambda folder: make_tokenizer(filtered, labelled, domains, given, corpus.tokenizer, folder),
    )


def tokenise(
    corpus: Corpus, filtered: Path, labelled: Path, domains: Path, tokenizer: Path, progress: Progress
) -> Path:
    """Token files; a rank a shard."""
    stage = Stage("tokenise", 1, corpus.tokenizer.end, (filtered.name, labelled.name, domains.name, tokenizer.name))

    def work(folder: Path) -> None:
        file = tokenizer / "tokenizer.json"
        step = TokeniseDocuments(filtered, labelled, domains, file, corpus.tokenizer.end, folder)
        run_steps([step], _ranks(filtered), folder / "logs", corpus.executor, progress)

    return run_stage(corpus.stages, stage, work)


def gather_pool(corpus: Corpus, tokenised: Path, domains: Path, tokenizer: Path) -> Path:
    """The pool's manifest."""
    stage = Stage("pool", 1, {"context": corpus.context}, (tokenised.name,))
    file = tokenizer / "tokenizer.json"
    return run_stage(
        corpus.stages,
        stage,
        lambda folder: write_manifest(tokenised, domains, file, corpus.tokenizer.end, corpus.context, folder),
    )


def _reading(source: SourceSettings) -> dict[str, object]:
    """What decides how a source is read; field names only where they are not the default ones."""
    fields = source.fields.model_dump(exclude_defaults=True)
    return {**source.model_dump(include={"format", "filters"}), **({"fields": fields} if fields else {})}


def _ranks(filtered: Path) -> int:
    return len(list((filtered / "documents").glob("*.parquet")))
