"""nanotron: Nanoset over folders as datatrove's tokenizer writes them (nanotron/config/config.py, data/nanoset.py).

A folder per part holds links to the pool's token files as `.ds`, with `.ds.index` and `.ds.metadata`.
"""

from flows.trainers.handover import HandOver
from flows.trainers.locations import folder_of
from flows.trainers.names import part_names
from flows.trainers.trainer import Place, Trainer, Written, yaml_text
from pipeline.pool.pool import TRAIN

DATA = "data"
FILE = "data_stages.yaml"


def _write(plan: HandOver, place: Place) -> Written:
    names = part_names(plan.parts)
    dataset: dict = {"dataset_weights": [part.share for part in plan.parts]}
    if plan.vocabulary:
        _link(plan, place, names)
        dataset |= {
            "dataset_folder": [str(place.final / DATA / name) for name in names],
            "tokenizer_name": place.tokenizer,
            "vocab_size": plan.vocabulary.size,
            "token_size_in_bytes": plan.vocabulary.dtype.itemsize,
        }
    else:
        dataset["dataset_folder"] = [folder_of(path) for part in plan.parts for path in part.paths]
    data = {"dataset": dataset, "num_loading_workers": 1, "seed": 42}
    stage = {"name": plan.recommendation, "start_training_step": 1, "data": data}
    place.write(FILE, yaml_text({"data_stages": [stage]}))
    usage = [
        f"Copy `data_stages` from `{FILE}` into your configuration.",
        f"`tokens.train_steps` times your batch is to be {int(plan.tokens):,} tokens.",
        "nanotron draws whole samples from each `.ds` file: a file's last tokens, fewer than a sample, are not read.",
    ]
    return Written(names, [part.share for part in plan.parts], usage)


def _link(plan: HandOver, place: Place, names: list[str]) -> None:
    from pipeline.parts.link import LinkTokens

    assert plan.tokenised
    placed = {
        (part.domain, file.bucket, TRAIN): f"{DATA}/{name}"
        for part, name in zip(plan.parts, names, strict=True)
        for file in part.files
    }
    dtype = plan.in_vocabulary().dtype
    place.run(LinkTokens(plan.tokenised, placed, "datatrove", dtype, place.tokenizer, place.folder))


TRAINER = Trainer(
    name="nanotron",
    title="nanotron",
    counts="tokens",
    explained="`dataset_weights` count samples of the sequence length, so they are shares of tokens.",
    write=_write,
    placeholder="DATA/{domain}",
)
