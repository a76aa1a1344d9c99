"""OLMo-core: `SourceMixtureList` over raw token files (olmo_core/data/source_mixture.py)."""

from typing import Any

from flows.trainers.handover import HandOver, Part
from flows.trainers.trainer import Place, Trainer, Written, yaml_text

FILE = "mix.yaml"


def source_list(plan: HandOver) -> dict[str, Any]:
    """`sources` of a SourceMixtureList. OLMo-core refuses to read more of a source than `max_repetition_ratio`."""
    return {"sources": [_source(part) for part in plan.parts]}


def _source(part: Part) -> dict[str, Any]:
    return {
        "source_name": part.name,
        "target_ratio": part.share,
        "max_repetition_ratio": max(1.0, part.cap, round(part.epochs * 1.001, 6)),
        "paths": [str(file.path) for file in part.files] or list(part.paths),
    }


def _write(plan: HandOver, place: Place) -> Written:
    place.write(FILE, yaml_text(source_list(plan)))
    vocabulary, batch = plan.vocabulary, plan.batch or "YOUR_BATCH"
    usage = [
        "In your training script:",
        "",
        "    from olmo_core.data import NumpyFSLDatasetConfig, TokenizerConfig",
        "    from olmo_core.data.source_mixture import SourceMixtureDatasetConfig, SourceMixtureList",
        "",
        f"    sources = SourceMixtureList.from_yaml({str(place.final / FILE)!r})",
        "    mix = SourceMixtureDatasetConfig(",
        f"        source_list=sources, requested_tokens={int(plan.tokens)}, global_batch_size={batch}, seed=42)",
    ]
    if vocabulary:
        usage += [
            f"    tokenizer = TokenizerConfig(vocab_size={vocabulary.size}, eos_token_id={vocabulary.end_id}, "
            f"pad_token_id={vocabulary.end_id})",
            "    dataset = NumpyFSLDatasetConfig.from_src_mix(",
            f'        src_mix=mix, sequence_length=YOUR_LENGTH, tokenizer=tokenizer, dtype="{vocabulary.dtype.name}")',
        ]
    usage += ["", "`global_batch_size` counts tokens and must be a multiple of the sequence length."]
    return Written([part.name for part in plan.parts], [part.share for part in plan.parts], usage)


TRAINER = Trainer(
    name="olmo-core",
    title="OLMo-core",
    counts="tokens",
    explained="`target_ratio` is a share of tokens. Token files are read where they lie: nothing is copied.",
    write=_write,
)
