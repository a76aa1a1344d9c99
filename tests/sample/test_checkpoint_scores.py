"""A checkpoint is scored once, wherever it lies, and refused where it does not fit."""

import json
from pathlib import Path

import polars as pl
import pytest
import torch
from cohorts import CANDIDATES, SETTINGS, train
from tokenizers import Tokenizer

from mixes.errors import MixError
from mixes.proxy.checkpoint import load_proxy, save_proxy
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import Pool
from pipeline.store.tokenizer import vocabulary_hash
from pipeline.train.checkpoint_scores import checkpoint_id, read_checkpoint, score_checkpoint
from pipeline.train.setup import Evidence


@pytest.fixture(scope="module")
def saved(evidence, tmp_path_factory) -> Path:
    """A proxy that was trained and kept, in a folder with its records."""
    folder = tmp_path_factory.mktemp("saved")
    kept, _ = train(evidence, folder, CANDIDATES[:1], keep_models=True)
    return folder / "records" / "models" / f"{kept.run_id(CANDIDATES[0])}.pt"


def started(evidence: Evidence, path: Path, **changes: object) -> Evidence:
    """The same swarm, from a checkpoint."""
    changed = SETTINGS.model_copy(update={"init_from": str(path), **changes})
    return Evidence(evidence.pool, evidence.suite, changed)


def score(evidence: Evidence, folder: Path) -> pl.DataFrame:
    """Score the checkpoint into `folder`, in this process; the record."""
    one = ExecutorSettings(workers=1)
    score_checkpoint(evidence, folder / "records", folder / "logs", one, lambda done, total: None)
    return pl.read_parquet(folder / "records" / "checkpoint_scores" / f"{checkpoint_id(evidence)}.parquet")


def test_a_checkpoints_scores_are_those_of_the_run_that_it_was_saved_from(evidence, saved, tmp_path):
    ours = score(started(evidence, saved), tmp_path)
    theirs = pl.read_parquet(saved.parent.parent / "scores" / f"{saved.stem}.parquet")
    assert set(theirs["kind"]) == {"task", "validation"}
    assert ours.drop("checkpoint").equals(theirs.drop("run"))  # to the last bit
    tasks = theirs.filter(pl.col("kind") == "task")
    found = read_checkpoint(started(evidence, saved), tmp_path / "records")
    assert found == dict(zip(tasks["task"], tasks["bpb"], strict=True))
    assert read_checkpoint(evidence, tmp_path / "records") is None
    assert checkpoint_id(evidence) is None


def test_a_checkpoint_is_scored_once_wherever_it_lies(evidence, saved, tmp_path):
    begun = started(evidence, saved)
    first = score(begun, tmp_path)
    record = tmp_path / "records" / "checkpoint_scores" / f"{checkpoint_id(begun)}.parquet"
    before = record.stat().st_mtime_ns
    moved = tmp_path / "elsewhere.pt"
    moved.write_bytes(saved.read_bytes())
    for other in (started(evidence, moved), started(evidence, moved, learning_rate=1e-3, tokens=16_384)):
        assert score(other, tmp_path).equals(first)
    assert record.stat().st_mtime_ns == before
    record.unlink()  # a record that was lost is made again, whatever datatrove's marks say
    assert score(begun, tmp_path).equals(first)
    weights = load_proxy(saved, SETTINGS)
    save_proxy(moved, {**weights, "gain": 2 * weights["gain"]}, tokenizer_of(evidence))
    assert checkpoint_id(started(evidence, moved)) != checkpoint_id(begun)
    assert not score(started(evidence, moved), tmp_path)["bpb"].equals(first["bpb"])


def tokenizer_of(evidence: Evidence) -> str:
    return vocabulary_hash(Pool(evidence.pool).tokenizer)


def test_a_checkpoint_of_another_kind_is_one_line_before_any_rank(evidence, saved, tmp_path):
    weights, hashed = load_proxy(saved, SETTINGS), tokenizer_of(evidence)
    wrong = {name: tmp_path / f"{name}.pt" for name in ("tensor", "cohort", "longer", "foreign", "sick")}
    torch.save(weights["embed"], wrong["tensor"])
    torch.save({"moment": {}, "weights": weights, "optimiser": {}}, wrong["cohort"])  # what a killed cohort leaves
    save_proxy(wrong["longer"], {**weights, "embed": torch.zeros(513, 96)}, hashed)
    save_proxy(wrong["foreign"], weights, "of the same size")
    save_proxy(wrong["sick"], {**weights, "gain": weights["gain"] * float("nan")}, hashed)
    told = {
        wrong["tensor"]: "is no saved proxy",
        wrong["cohort"]: r"is no saved proxy \(it holds something else than names with finite numbers\)",
        wrong["longer"]: r"has embed \[513, 96\], a proxy of size 100k over 512 tokens \[512, 96\]",
        wrong["foreign"]: "the tokens of another tokenizer, of as many tokens .* set tokenizer.path",
        wrong["sick"]: "something else than names with finite numbers",
    }
    for path, line in told.items():
        with pytest.raises(MixError, match=line) as error:
            score(started(evidence, path), tmp_path)
        assert "\n" not in str(error.value)
    with pytest.raises(MixError, match=r"has blocks.1.* not at all.*\[.*start from a proxy of the same size"):
        score(started(evidence, saved, size="200k"), tmp_path)
    assert not (tmp_path / "logs").exists()
    assert not (tmp_path / "records").exists()


def test_a_tokenizer_is_known_by_its_tokens(evidence, tmp_path):
    one = Pool(evidence.pool).tokenizer
    one.save(str(tmp_path / "indented.json"), pretty=True)
    assert vocabulary_hash(Tokenizer.from_file(str(tmp_path / "indented.json"))) == vocabulary_hash(one)
    content = json.loads((tmp_path / "indented.json").read_text())
    vocabulary = content["model"]["vocab"]
    first, second = list(vocabulary)[100:102]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]
    other = Tokenizer.from_str(json.dumps(content))
    assert other.get_vocab_size() == one.get_vocab_size()
    assert vocabulary_hash(other) != vocabulary_hash(one)
