"""NeMo AutoModel: MegatronPretraining over `blend.json`, with the arguments of `dataset.yaml`."""

import torch
import yaml
from drawn import FOLDER, SEQUENCE, WANTED, put_tokens
from nemo_automodel.components.datasets.llm.megatron_dataset import MegatronPretraining
from transformers import AutoTokenizer

torch.distributed.init_process_group("gloo", init_method="tcp://127.0.0.1:0", rank=0, world_size=1)
section = yaml.safe_load((FOLDER / "dataset.yaml").read_text())["dataset"]
assert section.pop("_target_").endswith("MegatronPretraining")
tokenizer = AutoTokenizer.from_pretrained(section.pop("tokenizer")["pretrained_model_name_or_path"])
section["seq_length"] = SEQUENCE
samples = 20_000  # of which the first are drawn: its margin of 0.5 % is to be more than one sample per file
built = MegatronPretraining(
    **section, tokenizer=tokenizer, micro_batch_size=1, global_batch_size=1, trainer_max_steps=samples,
    num_train_samples=samples, num_val_samples=8, index_mapping_dir=str(FOLDER.parent / "nemo-cache"),
)  # fmt: skip
built.build()
train = built.get_dataset(split="train")
for number in range(WANTED // SEQUENCE):
    sample = train[number]
    put_tokens(sample["tokens"] if "tokens" in sample else sample["input_ids"])
