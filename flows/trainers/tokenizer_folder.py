"""A folder that transformers' AutoTokenizer loads: what trainers that tokenise, or name a tokenizer, are pointed to."""

import json

from flows.trainers.handover import Vocabulary
from flows.trainers.trainer import Place

FOLDER = "tokenizer"


def write_tokenizer(vocabulary: Vocabulary, place: Place) -> str:
    """Write `tokenizer/` and return its path. Documents end with the pool's ending token."""
    place.write(f"{FOLDER}/tokenizer.json", vocabulary.tokenizer.read_text(encoding="utf-8"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": vocabulary.end,
        "pad_token": vocabulary.end,
        "model_max_length": 1_000_000_000_000,
        "clean_up_tokenization_spaces": False,
    }
    place.write(f"{FOLDER}/tokenizer_config.json", json.dumps(settings, indent=1))
    return str(place.final / FOLDER)
