"""LLaMA-Factory: its arguments, its list of datasets, its merging of them."""

import os
import sys
from itertools import islice

os.environ["DISABLE_VERSION_CHECK"] = "1"  # it asks for an older datasets than the others
import yaml
from drawn import FOLDER, WANTED, put_text, stand_in

stand_in("torchaudio")
from datasets import load_dataset
from llamafactory.data.data_utils import merge_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.hparams.data_args import DataArguments

given = yaml.safe_load((FOLDER / "data.yaml").read_text())
assert given.pop("stage") == "pt"
arguments = DataArguments(**given)
parts = []
for listed in get_dataset_list(arguments.dataset, arguments.dataset_dir):
    assert (listed.load_from, listed.prompt) == ("file", "text")
    folder = os.path.join(arguments.dataset_dir, listed.dataset_name)
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    parts.append(load_dataset("parquet", data_files=files, split="train"))
merged = merge_dataset(parts, arguments, seed=1)
for row in islice(merged, WANTED):
    put_text(row["text"])
sys.stdout.flush()
os._exit(0)  # its threads do not end by themselves
