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


def trainer_named(name: str) -> Trainer:
    """The trainer of that name.

    Raises:
        ExperimentError: there is none.
    """
    if name not in TRAINERS:
        raise ExperimentError(f"--format {cut_short(name)}: no such format — {did_you_mean(name, TRAINERS)}")
    return TRAINERS[name]
