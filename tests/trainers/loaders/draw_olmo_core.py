"""OLMo-core: the mixture that NumpyFSLDatasetConfig builds of `mix.yaml`, every instance of it."""

import json

from drawn import FOLDER, SEQUENCE, WANTED, put_tokens
from olmo_core.data import NumpyFSLDatasetConfig, TokenizerConfig
from olmo_core.data.source_mixture import SourceMixtureDatasetConfig, SourceMixtureList

record = json.loads((FOLDER / "mixwright.json").read_text())
numbers, end = record["tokenizer"]["numbers"], record["tokenizer"]["end_id"]
sources = SourceMixtureList.from_yaml(str(FOLDER / "mix.yaml"))
mix = SourceMixtureDatasetConfig(
    source_list=sources,
    requested_tokens=WANTED,
    global_batch_size=SEQUENCE * 8,
    seed=1,
    quiet=True,
    render_tables=False,
)
config = NumpyFSLDatasetConfig.from_src_mix(
    src_mix=mix,
    sequence_length=SEQUENCE,
    tokenizer=TokenizerConfig(vocab_size=numbers, eos_token_id=end, pad_token_id=end),
    dtype=record["tokenizer"]["dtype"],
    work_dir=str(FOLDER.parent / "olmo-work"),
)
dataset = config.build()
dataset.prepare()
for number in range(len(dataset)):
    put_tokens(dataset[number]["input_ids"])
