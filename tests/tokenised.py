"""Experiments over sources that are tokenised already."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import yaml
from support import SAMPLE, read_lines
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from flows.experiment import Experiment, load_experiment
from pipeline.pool.pool import Pool
from pipeline.read import tokens
from pipeline.read.sources import Shard
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine

END = "<|endoftext|>"
SOURCES = {"science": 150, "code": 30}  # real texts that stand in for papers and programs


def quiet(done: int, of: int) -> None:
    """Progress that nobody watches."""


def hash_of(base: Path) -> str:
    return sha256((base / "tokenizer.json").read_bytes()).hexdigest()


def source(base: Path, name: str, **fields: object) -> dict:
    return {"path": f"{name}/*.bin", "format": "tokens", "tokenizer_sha256": hash_of(base), **fields}


def experiment(base: Path, name: str, sources: dict, **sections: object) -> Experiment:
    content = {
        "name": name, "work": name, "sources": sources, "language": {"model": str(SAMPLE / "lid.176.ftz")},
        "tokenizer": {"path": "tokenizer.json"}, "suite": {"path": "suite.jsonl.zst", "items": 4},
        "proxy": {"size": "100k", "tokens": 8_192, "context": 64, "batch": 8}, "pool": {"validation_share": 0.1},
        "swarm": {"mixes": 2, "seeds": 2, "max_epochs": 8}, "executor": {"workers": 1}, **sections,
    }  # fmt: skip
    (base / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return load_experiment(base / f"{name}.yaml")


def pool_of(made: Experiment) -> Pool:
    """The pool of an experiment whose sources are all tokenised, without Prefect."""
    corpus = made.corpus
    corpus.stages.root.mkdir(parents=True, exist_ok=True)
    stages = {"index": refine.index_tokens(corpus, quiet)}
    stages["domains"] = assemble.choose_domains(corpus, stages)
    stages["tokenizer"] = assemble.make_tokenizer(corpus, stages)
    stages["tokenise"] = assemble.tokenise(corpus, stages, quiet)
    return Pool(assemble.gather_pool(corpus, stages["tokenise"], stages["domains"], stages["tokenizer"]))


def documents_in(*files: Path, dtype: str = "<u2", ending: int = 0) -> list[tuple[int, ...]]:
    """What ends with the ending token, the slow way."""
    found: list[tuple[int, ...]] = []
    for file in files:
        one: list[int] = []
        for number in np.fromfile(file, dtype=dtype).tolist():
            one.append(number)
            if number == ending:
                found.append(tuple(one))
                one = []
    return found


def read(path: Path, base: Path, dtype: str = "uint16", most: int = 1 << 20) -> list:
    shard = Shard(source="x", url=str(path), format="tokens", dtype=dtype)
    return list(tokens.read_tokens(shard, most, base / "tokenizer.json", END))


def write_shards(folder: Path) -> None:
    """A real tokenizer, two shards of ids a source, and their texts."""
    texts = {
        name: [row["text"] for row in read_lines(SAMPLE / name / "00000.jsonl.zst", most)]
        for name, most in SOURCES.items()
    }
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator([text for some in texts.values() for text in some], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, some in texts.items():
        half = len(some) // 2
        for shard, part in {"a": some[:half], "b": some[half:]}.items():
            encoded = tokenizer.encode_batch(part, add_special_tokens=False)
            ids = [number for one in encoded for number in (*one.ids, tokenizer.token_to_id(END))]
            (folder / name).mkdir(exist_ok=True)
            np.array(ids, dtype="<u2").tofile(folder / name / f"{shard}.bin")
            (folder / name / f"{shard}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in part))
