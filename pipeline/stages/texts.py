"""Flow 1, first half: shards to clean documents. Which steps each stage runs, over how many ranks, and on what it
depends. Steps are imported by the work that runs them: a finished stage needs none of them."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mixes.hashes import short_hash
from pipeline.errors import PipelineError
from pipeline.executor.progress import Progress
from pipeline.executor.settings import Stage as StageName
from pipeline.filters.lists import ARCHIVE
from pipeline.read.check_ids import check_ids
from pipeline.read.extractors import check_extractors
from pipeline.read.sources import TOKENS, Shard, SourceSettings, find_shards
from pipeline.stages.corpus import Corpus
from pipeline.store.earlier_ranks import take_over
from pipeline.store.files import rank_file
from pipeline.store.listing import wait_until_listed
from pipeline.store.stage import Stage
from pipeline.store.writing import write_aside

FILTER = 4  # version of the stage

if TYPE_CHECKING:
    from datatrove.pipeline.base import PipelineStep


def compile_block_list(corpus: Corpus) -> Path:
    """The URL block list, as ranks map it into memory."""
    settings = corpus.filters.urls
    files = [corpus.file(path, "filters.urls.block") for path in settings.block]
    inputs = [corpus.stages.hash_files([*files, *([ARCHIVE] if settings.builtin else [])])]
    stage = Stage("urls", 1, settings.builtin, tuple(inputs))

    def work(folder: Path) -> None:
        from pipeline.filters.urls import compile_list

        compile_list(settings, files, folder)

    return corpus.stages.run(stage, work)


def filter_shards(corpus: Corpus, block_list: Path, progress: Progress) -> Path:
    """Read, extract, filter; one rank per shard.

    Raises:
        PipelineError: too many shards could not be read; those are read anew at the next run.
    """
    check_extractors(corpus.texts)
    shards = [_with_attribute(shard, corpus) for shard in find_shards(corpus.texts, corpus.base)]
    language_model = corpus.language_model
    settings = {
        "sources": {name: _reading(source) for name, source in corpus.texts.items()},
        "attributes": sorted({(shard.source, shard.attribute) for shard in shards if shard.attribute}),
        "read": corpus.read.model_dump(exclude={"max_refused_share"}),
        "filters": corpus.filters.model_dump(exclude={"urls": {"block", "builtin"}}),
        "language": corpus.language.model_dump(exclude={"model"}),
    }
    inputs = _shard_hashes(corpus, shards)
    others = (corpus.stages.hash_files([language_model]), block_list.name)
    stage = Stage("filter", FILTER, settings, (*inputs, *others))
    is_new = not (corpus.stages.root / stage.id).exists()  # else it was damaged, and so may be what it was linked from

    def work(folder: Path) -> None:
        from classifiers.load_check import check_model
        from pipeline.filters.chain import filter_chain
        from pipeline.read.extract import ExtractText
        from pipeline.read.readers import ReadShards
        from pipeline.store.write_documents import WriteDocuments

        model = corpus.located(language_model)
        check_model(model, "language.model")
        extract = ExtractText(folder, corpus.read.extract_seconds)
        steps = [
            ReadShards(shards, folder, corpus.read),
            *filter_chain(corpus.filters, corpus.language, model, block_list, extract, folder),
            WriteDocuments(folder),
        ]
        if is_new:
            take_over(folder, "filter", _made_from(corpus, shards, settings, others))
        _run_readers("filter", corpus, steps, shards, folder, progress)
        wait_until_listed(rank_file(folder / "documents", rank) for rank in range(len(shards)))

    return corpus.stages.run(stage, work)


def _made_from(corpus: Corpus, shards: list[Shard], settings: dict, others: Sequence[str]) -> list[str]:
    """By shard, a hash of all that decides what the filters leave of it."""
    shared = {**settings, "sources": None, "attributes": None}
    contents = corpus.stages.hash_each([shard.url for shard in shards])
    return [
        short_hash(
            json.dumps(
                [FILTER, shared, others, settings["sources"][shard.source], shard.source, shard.name, shard.attribute,
                 content],
                sort_keys=True,
            )
        )
        for shard, content in zip(shards, contents, strict=True)
    ]  # fmt: skip


def index_tokens(corpus: Corpus, progress: Progress) -> Path:
    """Check and index the shards that are tokenised already; one rank per shard.

    Raises:
        PipelineError: they are not the named tokenizer's, or too many could not be read.
    """
    if not corpus.tokenizer.path:
        raise PipelineError(
            f"tokenizer.path: missing, and source {min(corpus.tokenised)!r} is tokenised already — "
            "name the tokenizer.json that made its ids"
        )
    tokenizer = corpus.file(corpus.tokenizer.path, "tokenizer.path")
    check_ids(corpus.tokenised, corpus.tokenizer.path, tokenizer, corpus.tokenizer.end)
    shards = find_shards(corpus.tokenised, corpus.base)
    lists = [corpus.file(path, "removals") for path in corpus.removals]
    settings = {
        "dtype": {name: source.dtype for name, source in corpus.tokenised.items()},
        "end": corpus.tokenizer.end,
        "max_page_bytes": corpus.read.max_page_bytes,
    }
    inputs = [*_shard_hashes(corpus, shards), corpus.stages.hash_files([tokenizer]), corpus.stages.hash_files(lists)]
    stage = Stage("index", 3, settings, tuple(inputs))

    def work(folder: Path) -> None:
        from pipeline.pool.index import WriteIndex
        from pipeline.read.readers import Reader, ReadShards
        from pipeline.read.tokens import read_tokens
        from pipeline.stages.clean import Remove

        readers: dict[str, Reader] = {TOKENS: partial(read_tokens, tokenizer=tokenizer, end=corpus.tokenizer.end)}
        steps = [ReadShards(shards, folder, corpus.read, readers), Remove(lists, folder), WriteIndex(folder)]
        _run_readers("index", corpus, steps, shards, folder, progress)

    return corpus.stages.run(stage, work)


def _with_attribute(shard: Shard, corpus: Corpus) -> Shard:
    """A shard that topics are learnt from, with the field that names them: Parquet's other columns are not read."""
    topics = corpus.topics
    learnt = topics is not None and shard.format == "parquet" and topics.labelled == shard.source
    return shard.model_copy(update={"attribute": topics.attribute}) if topics is not None and learnt else shard


def _shard_hashes(corpus: Corpus, shards: list[Shard]) -> list[str]:
    """A hash a source, over the names and versions of its shards."""
    by_source: dict[str, list[Shard]] = {}
    for shard in shards:
        by_source.setdefault(shard.source, []).append(shard)
    hashes = []
    for source, of_source in sorted(by_source.items()):
        names = short_hash("\n".join(shard.name for shard in of_source))
        hashes.append(f"{source}:{names}:{corpus.stages.hash_files([shard.url for shard in of_source])}")
    return hashes


def _run_readers(
    name: StageName,
    corpus: Corpus,
    steps: "Sequence[PipelineStep]",
    shards: list[Shard],
    folder: Path,
    progress: Progress,
) -> None:
    """Run steps that read shards, one rank per shard, and stop where too many were lost."""
    from pipeline.executor.run import run_steps
    from pipeline.read.losses import check_refused, lost_ranks

    run_steps(
        name, steps, len(shards), folder / "logs", corpus.executor, progress,
        part_of=partial(_shard_name, shards), note=corpus.stages.note,
    )  # fmt: skip
    try:
        check_refused(folder, shards, corpus.read)
    except PipelineError:
        for rank in lost_ranks(folder):  # what could not be reached may be there next time
            (folder / "logs" / "completions" / rank).unlink(missing_ok=True)
        raise


def _shard_name(shards: Sequence[Shard], rank: int) -> str:
    return shards[rank].label


def deduplicate(corpus: Corpus, filtered: Path, progress: Progress) -> Path:
    """Find equal documents, near duplicates and repeated passages."""
    off = {name: sorted(steps) for name, steps in corpus.off.items()}
    settings = {**corpus.dedup.model_dump(exclude={"partitions"}), "off": off}
    stage = Stage("deduplicate", 2, settings, (filtered.name,))

    def work(folder: Path) -> None:
        from pipeline.dedup.rounds import choose_partitions, find_duplicates
        from pipeline.executor.run import run_steps

        def run(name: str, steps: "Sequence[PipelineStep]", ranks: int) -> None:
            logs = folder / "logs" / name
            run_steps("deduplicate", steps, ranks, logs, corpus.executor, progress, note=corpus.stages.note)

        chosen = folder / "partitions.json"  # kept when a killed run is resumed
        if not chosen.exists():
            write_aside(chosen, json.dumps(choose_partitions(filtered, corpus.dedup)).encode())
        find_duplicates(filtered, corpus.off, corpus.dedup, json.loads(chosen.read_bytes()), folder, run)

    return corpus.stages.run(stage, work)


def clean_documents(corpus: Corpus, filtered: Path, deduplicated: Path, progress: Progress) -> Path:
    """Removals, duplicates, repeated passages, decontamination; one rank per file of documents."""
    lists = [corpus.file(path, "removals") for path in corpus.removals]
    suite = corpus.suite_file
    off = {name: sorted(steps) for name, steps in corpus.off.items()}
    settings = {"decontaminate": corpus.decontaminate.model_dump(), "off": off}
    inputs = [filtered.name, deduplicated.name, corpus.stages.hash_files(lists)]
    if corpus.decontaminate.enabled:
        inputs.append(corpus.stages.hash_files([suite]))
    stage = Stage("clean", 2, settings, tuple(inputs))

    def work(folder: Path) -> None:
        from pipeline.decontamination.decontaminate import Decontaminate
        from pipeline.dedup.rounds import EXACT, NEAR
        from pipeline.executor.run import run_steps
        from pipeline.stages.clean import DropDuplicates, ReadDocuments, Remove, TrimRepeats
        from pipeline.store.funnel import FilterStep
        from pipeline.store.write_documents import WriteDocuments

        chain: list[tuple[bool, FilterStep]] = [
            (True, Remove(lists, folder)),
            (corpus.dedup.exact, DropDuplicates(EXACT, "exact duplicate", deduplicated / "exact", folder)),
            (corpus.dedup.near.enabled, DropDuplicates(NEAR, "near duplicate", deduplicated / "near", folder)),
            (corpus.dedup.repeats.enabled, TrimRepeats(deduplicated / "repeats", folder)),
            (corpus.decontaminate.enabled, Decontaminate(corpus.located(suite), corpus.decontaminate, folder)),
        ]
        steps = [ReadDocuments(filtered, corpus.off), *(step for on, step in chain if on), WriteDocuments(folder)]
        run_steps(
            "clean", steps, files := count_files(filtered), folder / "logs", corpus.executor, progress,
            part_of=corpus.text_shard, note=corpus.stages.note,
        )  # fmt: skip
        wait_until_listed(rank_file(folder / "documents", rank) for rank in range(files))

    return corpus.stages.run(stage, work)


def _reading(source: SourceSettings) -> dict[str, object]:
    """What decides how a source is read; field names only where they are not the default ones."""
    fields = source.fields.model_dump(exclude_defaults=True)
    return {**source.model_dump(include={"format", "extractor"}), "off": source.steps_off, "fields": fields}


def count_files(stage: Path) -> int:
    """Files of documents that a stage holds."""
    return len(list((stage / "documents").glob("*.parquet")))
