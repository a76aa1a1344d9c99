"""NeMo AutoModel: a blend for `MegatronPretraining` (nemo_automodel/components/datasets/llm/megatron_dataset.py).

Validation files have no weights, as NeMo asks where it validates on all of them.
"""

import json
from typing import Any

from flows.trainers.handover import HandOver
from flows.trainers.megatron import MOST_IDS, about_links, link_files, train_blend, validation_blend, zipped
from flows.trainers.trainer import Place, Trainer, Written, yaml_text

BLEND = "blend.json"
SECTION = "dataset.yaml"
TOKENIZER = "nemo_automodel._transformers.auto_tokenizer.NeMoAutoTokenizer.from_pretrained"
TARGET = "nemo_automodel.components.datasets.llm.megatron_dataset.MegatronPretraining"


def _write(plan: HandOver, place: Place) -> Written:
    if plan.vocabulary:
        link_files(plan, place)
    blend = {"train": zipped(train_blend(plan, place))}
    if plan.vocabulary:
        blend["validation"] = [path for _, path in validation_blend(plan, place)]
    place.write(BLEND, json.dumps(blend, indent=1))
    place.write(SECTION, yaml_text(_sections(plan, place)))
    usage = [
        f"Copy the sections of `{SECTION}` into your recipe, and set `seq_length`.",
        f"`num_train_samples` times `seq_length` is to be {int(plan.tokens):,} tokens; without it the recipe takes its "
        "own `max_steps` times the global batch.",
        "Megatron-Bridge and MaxText read the same prefixes.",
        *about_links(plan),
    ]
    return Written([part.name for part in plan.parts], [part.share for part in plan.parts], usage)


def _sections(plan: HandOver, place: Place) -> dict[str, Any]:
    section: dict[str, Any] = {"_target_": TARGET, "paths": str(place.final / BLEND), "seq_length": place.sequence}
    if plan.vocabulary:
        section["tokenizer"] = {"_target_": TOKENIZER, "pretrained_model_name_or_path": place.tokenizer}
    sections = {"dataset": {**section, "splits_to_build": "train"}}
    if plan.vocabulary and validation_blend(plan, place):
        sections["validation_dataset"] = {**section, "splits_to_build": "validation"}
    return sections


TRAINER = Trainer(
    name="nemo",
    title="NeMo AutoModel",
    counts="tokens",
    explained="A weight counts samples of the sequence length, so it is a share of tokens.",
    write=_write,
    placeholder="DATA/{domain}.bin",
    most_ids=MOST_IDS,
)
