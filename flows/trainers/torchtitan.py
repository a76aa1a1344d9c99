"""torchtitan: `DatasetMixConfig` over packed parts, by a small module (torchtitan/components/data/dataset.py).

Each part is packed to rows of one length before it is mixed, so that weights count tokens and not documents.
"""

import json

from flows.trainers.handover import HandOver
from flows.trainers.names import part_names
from flows.trainers.texts import write_texts
from flows.trainers.trainer import Place, Trainer, Written

MIX = "mix.json"
MODULE = "mix.py"
CODE = '''"""The recommended mix as a dataset of torchtitan: `GrainDataLoader.Config(dataset=dataset())`."""

import json
from pathlib import Path

from torchtitan.components.data import (
    ConcatThenSplitPackingConfig,
    DatasetMixConfig,
    HuggingFaceRandomAccessSource,
    SingleDatasetConfig,
    WeightedDataset,
)
from torchtitan.hf_datasets.text_datasets import TextProcessor

MIX = json.loads((Path(__file__).parent / "mix.json").read_text())


def _is_whole(sample):
    return sample is not None


def part(source):
    """One part, packed to rows of one length."""
    files = HuggingFaceRandomAccessSource.Config(
        path=source["kind"], split="train", load_dataset_kwargs={"data_files": source["files"]}
    )
    rows = SingleDatasetConfig(source=files, processor=TextProcessor.Config(), post_filters=(_is_whole,))
    return ConcatThenSplitPackingConfig(dataset=rows)


def dataset():
    """All parts; a weight counts packed rows, which have one length, so tokens."""
    parts = [WeightedDataset(dataset=part(source), weight=source["weight"]) for source in MIX["parts"]]
    return DatasetMixConfig(datasets=tuple(parts))
'''


def _write(plan: HandOver, place: Place) -> Written:
    names = part_names(plan.parts)
    folders = write_texts(plan, place, names)
    sources = []
    for part, folder in zip(plan.parts, folders, strict=True):
        files = [f"{folder}/*.parquet"] if plan.tokenised else list(part.paths)
        kind = "parquet" if files[0].endswith(".parquet") else "json"
        sources.append({"part": part.name, "weight": part.share, "kind": kind, "files": files})
    place.write(MIX, json.dumps({"parts": sources}, indent=1))
    place.write(MODULE, CODE)
    usage = [
        "In your configuration function, with this folder on PYTHONPATH:",
        "",
        "    from mix import dataset",
        "    config.dataloader = GrainDataLoader.Config(dataset=dataset())",
        "",
    ]
    if plan.vocabulary:
        usage.append(f"Tokenizer: `config.hf_assets_path` = {place.tokenizer!r}.")
    usage += [
        f"`training.steps` times your batch is to be {int(plan.tokens):,} tokens; parts repeat as often as they must.",
        "Needs `torchtitan.components.data`, which releases up to 0.3.0 do not have yet.",
    ]
    return Written(names, [part.share for part in plan.parts], usage)


TRAINER = Trainer(
    name="torchtitan",
    title="torchtitan",
    counts="tokens",
    explained="A weight counts packed rows of one length, so it is a share of tokens.",
    write=_write,
    placeholder="DATA/{domain}/*.parquet",
    texts=True,
)
