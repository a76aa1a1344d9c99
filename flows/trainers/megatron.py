"""Megatron-LM: weights and prefixes of `.bin` + `.idx` (megatron/training/arguments.py, --data-args-path).

A prefix is a token file of the pool; a part's weight is shared by its files in proportion to their tokens.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from flows.trainers.handover import HandOver, Part, TokenFile
from flows.trainers.locations import files_of
from flows.trainers.trainer import Place, Trainer, Written
from pipeline.pool.pool import TRAIN, VALIDATION

MOST_IDS = 1 << 31  # Megatron has no unsigned type of 32 bits
DATA = "data"
SAMPLES_PER_FILE = 100  # half a sample, by which a file is rounded up on average, is then 0.5 % of its samples
BLEND = "blend.txt"  # --data-args-path
SPLITS = "blend.json"  # --per-split-data-args-path


def link_files(plan: HandOver, place: Place) -> None:
    """Link the pool's token files into `data/`, each with its `.idx`."""
    from pipeline.parts.link import LinkTokens

    assert plan.tokenised
    vocabulary = plan.in_vocabulary()
    placed = {(part.domain, file.bucket, TRAIN): DATA for part in plan.parts for file in part.files}
    placed |= {(name, file.bucket, VALIDATION): DATA for name, files in plan.validation.items() for file in files}
    place.run(LinkTokens(plan.tokenised, placed, "megatron", vocabulary.dtype, "", place.folder))


def prefix(place: Place, file: TokenFile) -> str:
    """What Megatron calls a token file: its path without `.bin`."""
    return str(place.final / DATA / f"{file.rank}.{file.path.name.removesuffix('.bin')}")


def train_blend(plan: HandOver, place: Place) -> list[tuple[float, str]]:
    """(weight, prefix) of every file; without a pool, of the files that the user names."""
    named = [(part.share * share, path) for part in plan.parts for share, path in _named(part)]
    return named or [
        (part.share * file.tokens / part.held, prefix(place, file)) for part in plan.parts for file in part.files
    ]


def _named(part: Part) -> list[tuple[float, str]]:
    """(share of the part, prefix) of files that are not the pool's, by their sizes where they are here."""
    paths = [path for pattern in part.paths for path in files_of(pattern)]
    sizes = [Path(path).stat().st_size if Path(path).is_file() else 1 for path in paths]
    return [(size / sum(sizes), path.removesuffix(".bin")) for size, path in zip(sizes, paths, strict=True)]


def validation_blend(plan: HandOver, place: Place) -> list[tuple[float, str]]:
    """(weight, prefix) of the validation files: the same mix, over domains that have any."""
    shares: dict[str, float] = {}
    for part in plan.parts:
        shares[part.domain] = shares.get(part.domain, 0.0) + part.share
    files = {domain: plan.validation[domain] for domain in shares if plan.validation.get(domain)}
    total = sum(shares[domain] for domain in files)
    return [
        (shares[domain] / total * file.tokens / sum(other.tokens for other in of_domain), prefix(place, file))
        for domain, of_domain in files.items()
        for file in of_domain
    ]


def blend_lines(blend: Iterable[tuple[float, str]]) -> str:
    """The text that --data-args-path reads: it is split at white space."""
    return "".join(f"{weight!r} {path}\n" for weight, path in blend)


def zipped(blend: Iterable[tuple[float, str]]) -> list[str]:
    """Weights and prefixes in turn, as texts."""
    return [word for weight, path in blend for word in (repr(weight), path)]


def is_one_word(place: Place) -> bool:
    """Whether prefixes can stand in the text of --data-args-path, which Megatron splits at white space."""
    return len(str(place.final).split()) == 1


def _write(plan: HandOver, place: Place) -> Written:
    blend, usage = train_blend(plan, place), []
    if plan.vocabulary:
        link_files(plan, place)
        splits = {"train": zipped(blend), "valid": zipped(validation_blend(plan, place)), "test": None}
        place.write(SPLITS, json.dumps(splits, indent=1))
        usage += [
            f"Tokenizer: `--tokenizer-type HuggingFaceTokenizer --tokenizer-model {place.tokenizer}`.",
            "Training and validation data, each with its own files:",
            "",
            f"    --per-split-data-args-path {place.final / SPLITS}",
            "",
        ]
    if is_one_word(place):
        place.write(BLEND, blend_lines(blend))
        usage += [
            "Or training files alone, which Megatron then splits itself:" if usage else "Megatron splits these files:",
            "",
            f"    --data-args-path {place.final / BLEND} --split 99,1,0",
            "",
        ]
    usage += [f"`--train-samples` times `--seq-length` is to be {int(plan.tokens):,} tokens.", *about_links(plan)]
    return Written([part.name for part in plan.parts], [part.share for part in plan.parts], usage)


def about_links(plan: HandOver) -> list[str]:
    """Lines of the README on `data/`."""
    if not plan.vocabulary:
        return ["Each prefix needs its `.bin` and `.idx`, as tools/preprocess_data.py writes them."]
    files = sum(len(part.files) for part in plan.parts)
    return [
        "`data/` holds links to the pool's token files, and a `.idx` for each; every document ends with token "
        f"{plan.vocabulary.end_id} ({plan.vocabulary.end}).",
        f"A run over these {files:,} files wants at least {files * SAMPLES_PER_FILE:,} samples: the trainer rounds "
        "each file up to whole samples, and keeps a margin of 0.5 %.",
    ]


TRAINER = Trainer(
    name="megatron",
    title="Megatron-LM",
    counts="tokens",
    explained="A weight counts samples of the sequence length, so it is a share of tokens.",
    write=_write,
    placeholder="DATA/{domain}.bin",
    most_ids=MOST_IDS,
)
