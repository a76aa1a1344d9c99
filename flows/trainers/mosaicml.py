"""MosaicML streaming and llm-foundry: MDS shards of ready samples, one stream per part (streaming/base/stream.py).

Samples are cut to one length from the pool's token files, so a share of samples is a share of tokens.
"""

from typing import Any

from flows.errors import ExperimentError
from flows.trainers.folder import LOGS
from flows.trainers.handover import HandOver
from flows.trainers.locations import folder_of
from flows.trainers.names import part_names
from flows.trainers.texts import DATA, placed_parts
from flows.trainers.trainer import Place, Trainer, Written, yaml_text
from pipeline.pool.pool import TRAIN, VALIDATION

FILE = "train_loader.yaml"


def _write(plan: HandOver, place: Place) -> Written:
    names = part_names(plan.parts)
    notes: list[str] = []
    streams: dict[str, dict[str, Any]]
    if plan.tokenised:
        notes = _cut(plan, place, names)
        streams = {name: {"local": str(place.final / DATA / name), "split": TRAIN} for name in names}
    else:
        notes = ["A share of samples is a share of tokens where all samples have one length; yours are to."]
        streams = {
            name: {"local": folder_of(path)}
            for name, part in zip(names, plan.parts, strict=True)
            for path in part.paths
        }
    for name, part in zip(names, plan.parts, strict=True):
        streams[name]["proportion"] = part.share
    samples = int(plan.tokens // place.sequence)
    dataset: dict[str, Any] = {"streams": streams, "shuffle": True, "shuffle_seed": 42, "epoch_size": samples}
    if plan.tokenised:
        dataset["max_seq_len"] = place.sequence
    place.write(FILE, yaml_text({"train_loader": {"name": "text", "dataset": dataset, "drop_last": True}}))
    usage = [
        f"Copy `train_loader` from `{FILE}` into your llm-foundry configuration, and add `num_workers`.",
        "The tokenizer is in `tokenizer/`.",
        "Without llm-foundry: `StreamingDataset(streams=[Stream(local=..., split=..., proportion=...), ...], "
        f"epoch_size={samples}, shuffle=True, batch_size=...)`.",
        f"An epoch of the trainer is the whole run: {samples:,} samples of {place.sequence:,} tokens. A sample is "
        "`tokens`, an array of int32; a document may end inside it.",
    ]
    return Written(names, [part.share for part in plan.parts], usage, notes)


def _cut(plan: HandOver, place: Place, names: list[str]) -> list[str]:
    """Write the shards; returns what their readers should know."""
    from pipeline.parts.samples import CutSamples, index_samples

    assert plan.tokenised
    placed = placed_parts(plan, names, below=f"/{TRAIN}") | _validation(plan, names)
    listed = place.folder / LOGS / "listed"
    dtype = plan.in_vocabulary().dtype
    place.run(CutSamples(plan.tokenised, placed, place.sequence, dtype, place.folder, listed))
    for part in sorted(set(placed.values())):
        if not index_samples(place.folder / part, listed / part) and part.endswith(f"/{TRAIN}"):
            raise ExperimentError(
                f"--sequence {place.sequence}: {part.split('/')[1]!r} holds not one sample of this length — take a "
                "smaller --sequence"
            )
    return [f"Each part's last tokens, fewer than a sample of {place.sequence:,}, are in no sample."]


def _validation(plan: HandOver, names: list[str]) -> dict[tuple[str, int, str], str]:
    """Validation files of each domain, in the folder of its first part: the same `local`, another `split`."""
    folder_of_domain: dict[str, str] = {}
    for part, name in zip(plan.parts, names, strict=True):
        folder_of_domain.setdefault(part.domain, f"{DATA}/{name}/{VALIDATION}")
    return {
        (domain, file.bucket, VALIDATION): folder
        for domain, folder in folder_of_domain.items()
        for file in plan.validation.get(domain, ())
    }


TRAINER = Trainer(
    name="mosaicml",
    title="MosaicML streaming and llm-foundry",
    counts="tokens",
    explained="`proportion` counts samples, which all have one length here, so it is a share of tokens.",
    write=_write,
    placeholder="DATA/{domain}",
)
