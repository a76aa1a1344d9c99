"""Flow 1, second half: clean documents to the pool. Which steps each stage runs, and on what it depends.

`made` is what was made before: stage → folder. Without sources of texts there is no `clean` and no `label`, without
sources that are tokenised already no `index`. Steps are imported by the work that runs them.
"""

from collections.abc import Mapping
from pathlib import Path

from mixes.errors import did_you_mean
from pipeline.errors import PipelineError
from pipeline.executor.progress import Progress
from pipeline.label.pretrained import ReadyModel, ready_quality, ready_topics
from pipeline.label.versions import QUALITY, TOPIC, previous_version
from pipeline.read.sources import find_shards
from pipeline.stages.corpus import Corpus
from pipeline.stages.texts import count_files
from pipeline.store.files import rank_file
from pipeline.store.globs import matching_files
from pipeline.store.listing import wait_until_listed
from pipeline.store.stage import Stage
from pipeline.store.writing import write_aside


def ready_models(corpus: Corpus) -> dict[str, ReadyModel | None]:
    """The ready models that the experiment names, fetched and checked; what is wrong with them shows here."""
    return {
        QUALITY: ready_quality(corpus.stages, corpus.base, corpus.quality) if corpus.quality else None,
        TOPIC: ready_topics(corpus.stages, corpus.base, corpus.topics) if corpus.topics else None,
    }


def train_classifiers(corpus: Corpus, filtered: Path, cleaned: Path, progress: Progress) -> Path:
    """The quality and topic models, cross-fitted or ready, and their cards; those that the experiment has."""
    ready, positives = ready_models(corpus), _examples_of_quality(corpus)
    quality, topics = corpus.quality, corpus.topics
    language_model = corpus.language_model
    elsewhere = {"positives", "model", "max_model_bytes", "min_score", "most_domains", "min_bytes"}
    settings = {
        "quality": quality.model_dump(exclude=elsewhere) if quality else None,
        "topics": topics.model_dump(exclude=elsewhere) if topics else None,
    }
    given = [part for model in ready.values() if model for part in (model.file.parent.name, model.sha256)]
    inputs = (filtered.name, cleaned.name, corpus.stages.hash_files(positives), *given)
    stage = Stage("classify", 4, settings, inputs)
    first = quality.folds if quality else 0
    folds = first + (topics.folds if topics else 0)
    tuned_before = corpus.stages.root / "autotuned"

    def work(folder: Path) -> None:
        from pipeline.label.train import make_classifier, quality_examples, topic_examples

        if quality:
            language = corpus.located(language_model)
            examples = quality_examples(filtered, cleaned, positives, language, corpus.language.keep, quality)
            make_classifier(
                QUALITY, quality, examples, ready[QUALITY], tuned_before, folder, lambda done, _: progress(done, folds)
            )
        if topics:
            examples = topic_examples(cleaned, topics)
            make_classifier(
                TOPIC,
                topics,
                examples,
                ready[TOPIC],
                tuned_before,
                folder,
                lambda done, _: progress(first + done, folds),
            )

    models = corpus.stages.run(stage, work)
    for kind, used in ((QUALITY, quality), (TOPIC, topics)):
        if used:
            _compare_with_previous(corpus, kind, cleaned, models)
    return models


def _examples_of_quality(corpus: Corpus) -> list[Path]:
    """The files of good prose, once all that the classifiers learn from is there.

    Raises:
        PipelineError: a source that a section names is no source of texts, or no file matches.
    """
    quality, topics = corpus.quality, corpus.topics
    for field, source in (
        ("quality.negatives", quality.negatives if quality else None),
        ("topics.labelled", topics.labelled if topics else None),
    ):
        if source is not None and source not in corpus.texts:
            raise PipelineError(
                f"{field}: no source of texts {source!r} — {did_you_mean(source, sorted(corpus.texts))}"
            )
    pattern = quality.positives if quality else None
    root = Path("/") if pattern and pattern.startswith("/") else corpus.base
    matches = [root / name for name in matching_files(str(root), pattern)] if pattern else []
    positives = [file for file in matches if file.is_file()]
    if pattern and not positives:
        raise PipelineError(f"quality.positives: no file matches {pattern!r} (looked under {root.resolve()})")
    return positives


def _compare_with_previous(corpus: Corpus, kind: str, cleaned: Path, models: Path) -> None:
    previous = previous_version(models, kind)
    if previous is not None:
        sources = sorted(name for name, s in corpus.sources.items() if (s.quality if kind == QUALITY else s.topics))
        stage = Stage("agreement", 1, {"kind": kind, "sources": sources}, (cleaned.name, models.name, previous.name))

        def work(folder: Path) -> None:
            from pipeline.label.model_cards import compare_versions

            compare_versions(kind, models, previous, cleaned, sources, folder)

        corpus.stages.run(stage, work)


def label_documents(corpus: Corpus, cleaned: Path, models: Path, progress: Progress) -> Path:
    """Quality and topic of every document that is left; one rank per file of documents."""
    wanted = {name: source.model_dump(include={"quality", "topics"}) for name, source in corpus.texts.items()}
    least = corpus.quality.min_score if corpus.quality else None
    stage = Stage("label", 4, {"sources": wanted, "min_score": least}, (cleaned.name, models.name))

    def work(folder: Path) -> None:
        from pipeline.executor.run import run_steps
        from pipeline.label.label import LabelDocuments, loaded_classifier

        step = LabelDocuments(cleaned, models, corpus.texts, least, folder)
        run_steps(
            "label", [step], count_files(cleaned), folder / "logs", corpus.executor, progress,
            part_of=corpus.text_shard, note=corpus.stages.note,
        )  # fmt: skip
        loaded_classifier.cache_clear()  # with one worker, ranks run in this process

    return corpus.stages.run(stage, work)


def choose_domains(corpus: Corpus, made: Mapping[str, Path]) -> Path:
    """Domains, bucket edges, validation split."""
    labelled = _of(made, "label", "index")
    topics = corpus.topics
    split = (topics.min_bytes, topics.most_domains) if topics else (1, 1)  # without topics no source is split
    pool = corpus.pool.model_dump(exclude={"quality_parts"})  # which cuts what is tokenised already
    stage = Stage("domains", 3, [pool, *split], _ids(labelled))

    def work(folder: Path) -> None:
        from pipeline.pool.domains import plan_domains

        plan_domains(labelled, corpus.sources, corpus.pool, *split, folder)

    return corpus.stages.run(stage, work)


def make_tokenizer(corpus: Corpus, made: Mapping[str, Path]) -> Path:
    """The pool's BPE, or the one that is given."""
    settings, end = corpus.tokenizer, corpus.tokenizer.end
    given = corpus.file(settings.path, "tokenizer.path") if settings.path else None
    inputs = (corpus.stages.hash_files([given]),) if given else _ids(_of(made, "clean", "label", "domains"))

    def work(folder: Path) -> None:
        from pipeline.pool.train_tokenizer import train_bpe
        from pipeline.store.tokenizer import given_tokenizer

        tokenizer = (
            given_tokenizer(given, end) if given else train_bpe(made["clean"], made["label"], made["domains"], settings)
        )
        write_aside(folder / "tokenizer.json", tokenizer.to_str().encode())

    return corpus.stages.run(Stage("tokenizer", 1, settings.model_dump(exclude={"path"}), inputs), work)


def tokenise(corpus: Corpus, made: Mapping[str, Path], progress: Progress) -> Path:
    """Token files; one rank per file of documents, and after these one rank per shard that is tokenised already."""
    end, domains = corpus.tokenizer.end, made["domains"]
    stage = Stage("tokenise", 5, end, _ids(_of(made, "clean", "label", "domains", "tokenizer", "index")))

    def work(folder: Path) -> None:
        from pipeline.executor.run import run_steps
        from pipeline.pool.index import CopyTokens
        from pipeline.pool.tokenise import TokeniseDocuments

        files, file = 0, made["tokenizer"] / "tokenizer.json"
        if "label" in made:
            files = count_files(made["clean"])
            step = TokeniseDocuments(made["clean"], made["label"], domains, file, end, folder)
            run_steps(
                "tokenise", [step], files, folder / "logs", corpus.executor, progress,
                part_of=corpus.text_shard, note=corpus.stages.note,
            )  # fmt: skip
            wait_until_listed(rank_file(folder / "pool", rank) for rank in range(files))
        if "index" in made:
            shards = find_shards(corpus.tokenised, corpus.base)
            copy = CopyTokens(shards, made["index"], domains, file, files, folder)
            run_steps(
                "tokenise", [copy], len(shards), folder / "logs" / "copy", corpus.executor, progress,
                note=corpus.stages.note,
            )  # fmt: skip

    return corpus.stages.run(stage, work)


def _of(made: Mapping[str, Path], *stages: str) -> list[Path]:
    """The folders of those of the stages that the experiment has."""
    return [made[stage] for stage in stages if stage in made]


def _ids(folders: list[Path]) -> tuple[str, ...]:
    return tuple(folder.name for folder in folders)


def gather_pool(corpus: Corpus, tokenised: Path, domains: Path, tokenizer: Path) -> Path:
    """The pool's manifest."""
    parts = corpus.pool.quality_parts
    settings = {"context": corpus.context, **({"quality_parts": parts} if parts else {})}
    stage = Stage("pool", 1, settings, (tokenised.name,))
    file = tokenizer / "tokenizer.json"

    def work(folder: Path) -> None:
        from pipeline.pool.manifest import write_manifest

        whole = write_manifest(tokenised, domains, file, corpus.tokenizer.end, corpus.context, folder, parts)
        if whole:
            corpus.stages.note(f"pool: too small to be cut by quality, or scored alike: {', '.join(whole)}")

    return corpus.stages.run(stage, work)
