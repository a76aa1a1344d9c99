"""All trainers by name."""

from flows.errors import ExperimentError
from flows.trainers import (
    hf_datasets,
    levanter,
    litdata,
    llama_factory,
    megatron,
    mosaicml,
    nanotron,
    nemo,
    olmix,
    olmo_core,
    plain_json,
    torchtitan,
)
from flows.trainers.trainer import Trainer
from mixes.errors import cut_short, did_you_mean

TRAINERS = {
    module.TRAINER.name: module.TRAINER
    for module in (olmo_core, megatron, nemo, hf_datasets, mosaicml, nanotron, litdata, llama_factory, levanter,
                   torchtitan, olmix, plain_json)
}  # fmt: skip


def trainer_named(name: str, option: str = "--format") -> Trainer:
    """The trainer of that name; option: where it is named.

    Raises:
        ExperimentError: there is none.
    """
    if name not in TRAINERS:
        begun = [known for known in TRAINERS if name and known.startswith(name)]
        if len(begun) == 1:
            raise ExperimentError(f"{option} {cut_short(name)}: no such format — did you mean {begun[0]!r}?")
        raise ExperimentError(f"{option} {cut_short(name)}: no such format — {did_you_mean(name, TRAINERS)}")
    return TRAINERS[name]
