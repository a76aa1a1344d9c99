"""nanotron: datatrove's DatatroveFolderDataset over the folders of `data_stages.yaml`, drawn as Nanoset draws.

nanotron itself is not installed: its releases are older than Nanoset. Nanoset takes at each step the folder that is
furthest behind its weight (nanotron/data/nanoset.py).
"""

import numpy as np
import yaml
from datatrove.utils.dataset import DatatroveFolderDataset
from drawn import FOLDER, SEQUENCE, WANTED, put_tokens
from transformers import AutoTokenizer

data = yaml.safe_load((FOLDER / "data_stages.yaml").read_text())["data_stages"][0]["data"]["dataset"]
tokenizer = AutoTokenizer.from_pretrained(data["tokenizer_name"])
assert len(tokenizer.get_vocab()) <= data["vocab_size"]
assert tokenizer.eos_token_id is not None
folders = [
    DatatroveFolderDataset(
        folder, seq_len=SEQUENCE, token_size=data["token_size_in_bytes"], shuffle=True, return_positions=True,
        recursive=False, filename_pattern="*.ds",
    )
    for folder in data["dataset_folder"]
]  # fmt: skip
weights, drawn = np.array(data["dataset_weights"]), np.zeros(len(folders), dtype=int)
weights = weights / weights.sum()
for number in range(WANTED // (SEQUENCE + 1)):
    behind = int(np.argmax(weights * max(number, 1) - drawn))
    sample = folders[behind][int(drawn[behind] % len(folders[behind]))]
    drawn[behind] += 1
    put_tokens(sample["input_ids"])
