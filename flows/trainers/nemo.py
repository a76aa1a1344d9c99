"""NeMo AutoModel: a blend for `MegatronPretraining` (nemo_automodel/components/datasets/llm/megatron_dataset.py).

Validation files have no weights, as NeMo asks where it validates on all of them.
"""

import json

from flows.trainers.handover import HandOver
from flows.trainers.megatron import MOST_IDS, about_links, link_files, train_blend, validation_blend, zipped
from flows.trainers.trainer import Place, Trainer, Written, yaml_text

BLEND = "blend.json"
SECTION = "dataset.yaml"
TARGET = "nemo_automodel.components.datasets.llm.megatron_dataset.MegatronPretraining"


def _write(plan: HandOver, place: Place) -> Written:
    if plan.vocabulary:
        link_files(plan, place)
    blend = {"train": zipped(train_blend(plan, place))}
    if plan.vocabulary:
        blend["validation"] = [path for _, path in validation_blend(plan, place)]
    place.write(BLEND, json.dumps(blend, indent=1))
    place.write(SECTION, yaml_text(_sections(place, validation=bool(blend.get("validation")))))
    usage = [
        f"Copy the sections of `{SECTION}` into your recipe; add your `tokenizer` to each, and set `seq_length`.",
        f"`num_train_samples` times `seq_length` is to be {int(plan.tokens):,} tokens; without it the recipe takes its "
        "own `max_steps` times the global batch.",
        "Megatron-Bridge and MaxText read the same prefixes.",
        *about_links(plan),
    ]
    return Written([part.name for part in plan.parts], [part.share for part in plan.parts], usage)


def _sections(place: Place, *, validation: bool) -> dict:
    section = {"_target_": TARGET, "paths": str(place.final / BLEND), "seq_length": place.sequence, "seed": 1234}
    sections = {"dataset": {**section, "splits_to_build": "train"}}
    if validation:
        sections["validation_dataset"] = {**section, "splits_to_build": "validation"}
    return sections


TRAINER = Trainer(
    name="nemo",
    title="NeMo AutoModel",
    counts="tokens",
    explained="A weight counts samples of the sequence length, so it is a share of tokens.",
    write=_write,
    most_ids=MOST_IDS,
)
