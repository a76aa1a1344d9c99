"""Any tokenizer.json: how many bytes its tokens stand for, special tokens in a text, vocabularies beyond 16 bits."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support import SAMPLE, read_lines
from tokenised import END, experiment, hash_of, pool_of, quiet
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from mixes.proxy.tokens import DomainTokens
from mixes.swarm import Candidate
from pipeline.pool.tokenise import TRAIN
from pipeline.store.tokenizer import load_tokenizer, token_bytes, vocabulary_size
from pipeline.suite import encode_suite
from pipeline.train.setup import Evidence
from pipeline.train.swarm import train_swarm

FAR = 70_000  # beyond 16 bits


def texts() -> list[str]:
    real = [
        row["text"] for source in ("science", "code") for row in read_lines(SAMPLE / source / "00000.jsonl.zst", 40)
    ]
    return [*real, "Größe, 数学, 🙂 and \ttabs\n"]


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def sentencepiece() -> Tokenizer:
    """As Llama 2's and Gemma's: pieces of plain characters, what has none as bytes."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="never")])
    specials = ["<unk>", END, *(f"<0x{number:02X}>" for number in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=specials, limit_alphabet=70, show_progress=False)
    tokenizer.train_from_iterator(texts()[:-1], trainer)
    content = json.loads(tokenizer.to_str())  # the bytes are pieces, not special tokens
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in ("<unk>", END)]
    made = Tokenizer.from_str(json.dumps(content))
    made.add_tokens([next(token for token in made.get_vocab() if token.startswith("▁") and len(token) > 3)])
    return made  # with a piece that is an added token too


@pytest.mark.parametrize("make", [byte_level, sentencepiece])
def test_tokens_stand_for_the_bytes_of_their_text(make, tmp_path):
    make().save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_tokenizer(tmp_path / "tokenizer.json")
    sizes = token_bytes(tokenizer, END)
    assert sizes[tokenizer.token_to_id(END)] == 0
    for text in texts():
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert sizes[ids].sum() == len(text.encode()), text[:50]


def test_a_text_that_names_a_special_token_does_not_end(tmp_path):
    tokenizer = byte_level()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded, ending = load_tokenizer(tmp_path / "tokenizer.json"), tokenizer.token_to_id(END)
    text = f"print('{END}')"
    assert ending in tokenizer.encode(text).ids  # as the library has it
    ids = loaded.encode_batch_fast([text], add_special_tokens=False)[0].ids
    assert ending not in ids
    assert loaded.decode(ids, skip_special_tokens=False) == text


def test_a_tokenizer_made_for_batches_of_a_model_takes_texts_whole(tmp_path):
    """Truncation, padding and dropout belong to training, and stand in many published files."""
    plain, tokenizer = byte_level(), byte_level()
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(pad_id=0, pad_token=END, length=16)
    tokenizer.model.dropout = 0.5
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    loaded, some = load_tokenizer(tmp_path / "tokenizer.json"), [texts()[0], "short"]
    found = loaded.encode_batch_fast(some, add_special_tokens=False)
    assert [one.ids for one in found] == [plain.encode(text).ids for text in some]


@pytest.fixture(scope="module")
def wide(base, tmp_path_factory) -> Path:
    """The folder of tokens again, its commonest letter now numbered beyond 16 bits, its ids 32 bits wide."""
    folder = tmp_path_factory.mktemp("wide")
    content = json.loads((base / "tokenizer.json").read_bytes())
    moved = content["model"]["vocab"]["e"]
    content["model"]["vocab"]["e"] = FAR
    (folder / "tokenizer.json").write_text(json.dumps(content))
    (folder / "suite.jsonl.zst").write_bytes((base / "suite.jsonl.zst").read_bytes())
    for file in base.glob("*/?.bin"):
        ids = np.fromfile(file, dtype="<u2").astype("<u4")
        ids[ids == moved] = FAR
        (folder / file.parent.name).mkdir(exist_ok=True)
        ids.tofile(folder / file.parent.name / file.name)
    return folder


def test_ids_beyond_16_bits_are_kept_and_learned(wide):
    tokens = {"format": "tokens", "tokenizer_sha256": hash_of(wide), "dtype": "uint32"}
    sources = {name: {"path": f"{name}/*.bin", **tokens} for name in ("science", "code")}
    proxy = {"size": "100k", "tokens": 512, "context": 64, "batch": 8}
    made = experiment(wide, "far", sources, proxy=proxy)
    pool = pool_of(made)
    assert pool.vocabulary == FAR + 1 == vocabulary_size(pool.tokenizer)
    seen = [
        DomainTokens(name, files, 64, vocabulary=pool.vocabulary).read(np.arange(5))
        for name, files in pool.files(TRAIN).items()
    ]
    assert all((rows == FAR).any() and rows.max() == FAR for rows in seen)
    held = sum(np.isin(np.fromfile(f, dtype="<u4"), FAR).sum() for files in pool.files(TRAIN).values() for f in files)
    given = sum(np.isin(np.fromfile(f, dtype="<u4"), FAR).sum() for f in wide.glob("*/?.bin"))
    assert 0.7 * given < held <= given
    encode_suite(wide / "suite.jsonl.zst", made.suite, pool.tokenizer, pool.end_token, 64, wide / "suite")
    evidence, natural = Evidence(pool.folder, wide / "suite", made.proxy), Candidate("natural", pool.natural, 0)
    train_swarm(evidence, [natural], made.records, wide / "logs", made.executor, quiet)
    scores = pl.read_parquet(made.records / "scores" / f"{evidence.run_id(natural)}.parquet")
    assert scores["bpb"].is_between(0.5, 20).all()
