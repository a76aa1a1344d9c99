"""The folder `tokenizer/` of every export over a pool: what transformers' AutoTokenizer loads."""

import json
from pathlib import Path

from flows.trainers.handover import Vocabulary
from flows.trainers.trainer import TOKENIZER
from pipeline.store.writing import write_aside


def write_tokenizer(vocabulary: Vocabulary, folder: Path) -> None:
    """Write `tokenizer/` into an export's folder. Its ending token is the pool's."""
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": vocabulary.end,
        "pad_token": vocabulary.end,
        "model_max_length": 1_000_000_000_000,  # no length at which texts are cut
        "clean_up_tokenization_spaces": False,
    }
    write_aside(folder / TOKENIZER / "tokenizer.json", vocabulary.tokenizer.read_bytes())
    write_aside(folder / TOKENIZER / "tokenizer_config.json", json.dumps(settings, indent=1).encode())
