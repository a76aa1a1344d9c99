"""MosaicML streaming: the streams of `train_loader.yaml`, one epoch."""

import yaml
from drawn import FOLDER, WANTED, put_tokens, stand_in

stand_in("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")
from streaming import Stream, StreamingDataset

section = yaml.safe_load((FOLDER / "train_loader.yaml").read_text())["train_loader"]["dataset"]
streams = [Stream(**stream) for stream in section["streams"].values()]
length = section["max_seq_len"]
dataset = StreamingDataset(
    streams=streams, epoch_size=WANTED // length, shuffle=section["shuffle"], shuffle_seed=section["shuffle_seed"],
    batch_size=1,
)  # fmt: skip
for sample in dataset:
    assert sample["tokens"].shape == (length,)
    put_tokens(sample["tokens"])
