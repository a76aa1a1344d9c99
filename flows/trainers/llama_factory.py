"""LLaMA-Factory: `dataset_info.json` and the arguments of interleaving (llamafactory/hparams/data_args.py)."""

import json
from typing import Any

from flows.trainers.handover import HandOver
from flows.trainers.names import part_names
from flows.trainers.texts import write_texts
from flows.trainers.trainer import Place, Trainer, Written, yaml_text

INFO = "dataset_info.json"
ARGUMENTS = "data.yaml"


def _write(plan: HandOver, place: Place) -> Written:
    shares, names = plan.row_shares, part_names(plan.parts)
    folders = write_texts(plan, place, names)
    info = {
        name: {"file_name": folder, "columns": {"prompt": "text"}} for name, folder in zip(names, folders, strict=True)
    }
    place.write(INFO, json.dumps(info, indent=1))
    arguments: dict[str, Any] = {
        "stage": "pt",
        "dataset_dir": str(place.final),
        "dataset": ",".join(names),
        "mix_strategy": "interleave_over",
        "interleave_probs": ",".join(map(repr, shares)),
        "packing": True,
    }
    place.write(ARGUMENTS, yaml_text(arguments))
    usage = [
        f"Copy the lines of `{ARGUMENTS}` into your training configuration; `dataset_dir` is this folder.",
        "`interleave_over` draws documents by `interleave_probs` until each part has been read once, and starts the "
        f"small ones again meanwhile; `max_steps` times your batch is to be {int(plan.tokens):,} tokens.",
        "Keep `packing: true`: cut one by one, long documents would lose what lies past `cutoff_len`.",
    ]
    return Written(names, shares, usage)


TRAINER = Trainer(
    name="llama-factory",
    title="LLaMA-Factory",
    counts="documents",
    explained="`interleave_probs` count documents: the share of tokens, divided by mean tokens per document.",
    write=_write,
    placeholder="DATA/{domain}",
    texts=True,
)
