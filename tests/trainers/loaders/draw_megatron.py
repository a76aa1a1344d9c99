"""Megatron: the blend of `blend.json`, by its own builder; each file's index is read by IndexedDataset first."""

import json

import torch
from drawn import FOLDER, SEQUENCE, WANTED, put_tokens
from megatron.core.datasets.blended_megatron_dataset_builder import BlendedMegatronDatasetBuilder
from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
from megatron.core.datasets.indexed_dataset import IndexedDataset
from megatron.core.datasets.utils import get_blend_from_list

record = json.loads((FOLDER / "mixwright.json").read_text())


class Tokenizer:
    """What GPTDataset asks of a tokenizer."""

    eod = record["tokenizer"]["end_id"]
    pad = eod
    vocab_size = record["tokenizer"]["numbers"]
    unique_identifiers = {"class": "pool"}


splits = json.loads((FOLDER / "blend.json").read_text())
for prefix in splits["train"][1::2]:
    index = IndexedDataset(prefix)
    lengths = index.sequence_lengths
    assert int(index[len(lengths) - 1][-1]) == Tokenizer.eod, "the last document does not end with the ending token"
    assert all(int(index[number][-1]) == Tokenizer.eod for number in range(len(lengths)))

with (FOLDER / "blend.txt").open() as file:
    assert get_blend_from_list(file.read().split()) == get_blend_from_list(splits["train"])

torch.distributed.init_process_group("gloo", init_method="tcp://127.0.0.1:0", rank=0, world_size=1)
samples = 20_000  # of which the first are drawn: its margin of 0.5 % is to be more than one sample per file
config = GPTDatasetConfig(
    random_seed=1, sequence_length=SEQUENCE, tokenizer=Tokenizer(), reset_position_ids=False,
    reset_attention_mask=False, eod_mask_loss=False, path_to_cache=str(FOLDER.parent / "megatron-cache"),
    blend_per_split=[get_blend_from_list(splits[split]) for split in ("train", "valid", "test")],
)  # fmt: skip
train, valid, _ = BlendedMegatronDatasetBuilder(GPTDataset, [samples, 8, 0], lambda: True, config).build()
for number in range(WANTED // SEQUENCE):
    put_tokens(train[number]["tokens"])
assert len(valid[0]["tokens"]) == SEQUENCE
