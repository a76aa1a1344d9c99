"""levanter and marin: `LmDataConfig` with components and train_weights (levanter/data/text/datasets.py)."""

from typing import Any

from flows.trainers.handover import HandOver
from flows.trainers.names import part_names, safe_name
from flows.trainers.texts import write_texts
from flows.trainers.trainer import Place, Trainer, Written, yaml_text
from pipeline.pool.pool import VALIDATION

FILE = "data.yaml"


def _write(plan: HandOver, place: Place) -> Written:
    names = part_names(plan.parts)
    folders = write_texts(plan, place, names, validation=True)
    components: dict[str, Any] = {}
    with_validation: set[str] = set()
    for name, folder, part in zip(names, folders, plan.parts, strict=True):
        source: dict[str, Any] = {"type": "url", "train_urls": [f"{folder}/*.parquet"]}
        if plan.validation.get(part.domain) and part.domain not in with_validation:
            source["validation_urls"] = [str(place.final / VALIDATION / safe_name(part.domain) / "*.parquet")]
            with_validation.add(part.domain)
        if not plan.tokenised:
            source["train_urls"] = list(part.paths)
        components[name] = {"source": source, "format": {"type": "text", "text_key": "text"}}
    data = {
        "tokenizer": place.tokenizer if plan.vocabulary else "YOUR_TOKENIZER",
        "cache_dir": str(place.final) + "-cache",
        "shuffle": True,
        "permutation_type": "feistel",
        "stop_strategy": "restart",
        "mixture_block_size": 2_048,
        "components": components,
        "train_weights": {name: part.share for name, part in zip(names, plan.parts, strict=True)},
    }
    place.write(FILE, yaml_text({"data": data}))
    usage = [
        f"Copy `data` from `{FILE}` into your configuration, or give it as `data:` in a marin step.",
        f"`trainer.num_train_steps` times your batch is to be {int(plan.tokens):,} tokens.",
        "levanter tokenises each component once, into `cache_dir`, with the tokenizer in this folder.",
        "Within `mixture_block_size` sequences each component has its share, rounded to whole sequences.",
    ]
    return Written(names, [part.share for part in plan.parts], usage)


TRAINER = Trainer(
    name="levanter",
    title="levanter and marin",
    counts="tokens",
    explained="`train_weights` count sequences of one length, so they are shares of tokens.",
    write=_write,
    placeholder="DATA/{domain}/*.parquet",
    texts=True,
)
