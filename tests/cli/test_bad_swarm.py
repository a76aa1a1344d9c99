"""Mistakes in the second flow end in one clear line and exit code 2, before anything trains."""

import hashlib
import pickle
import shutil

import duckdb
import numpy as np
import pytest
import torch
import yaml
from support import Evil, changed, mixwright, said, said_here
from tokenizers import Tokenizer
from tokenizers.models import BPE

from mixes.proxy.checkpoint import save_proxy
from mixes.proxy.model import Proxies
from mixes.proxy.settings import SIZES
from pipeline.pool.settings import END


def evidence(tiny) -> set:
    """Files that a swarm leaves behind when it begins to train."""
    return {path for folder in ("logs", "records/runs", "checkpoints") for path in (tiny / "work" / folder).rglob("*")}


def refused(tiny, *place: str, value) -> str:
    """The line about a field of the tiny experiment; nothing had begun to train when it was said."""
    before = evidence(tiny)
    line = said_here(tiny, "swarm", changed(tiny, "refused", *place, value=value))
    assert evidence(tiny) == before
    return line


def test_a_size_that_is_not_on_the_ladder(tiny, finished):
    line = refused(tiny, "proxy", "size", value="2M")
    assert "proxy.size: no such size — the ladder is 100k, 200k, 400k, 1M" in line
    assert "(it is '2M')" in line


def test_more_epochs_than_the_cap_allows(tiny, finished):
    line = refused(tiny, "proxy", "tokens", value=400_000_000)
    assert "proxy.tokens: 400,000,000 tokens repeat the pool's" in line
    assert "more often than 8 times, whatever the mix — train on less, or raise swarm.max_epochs" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_here(tiny, finished):
    line = refused(tiny, "proxy", "device", value="cuda")
    assert "proxy.device: cuda, and no GPU is here — set device: cpu" in line


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_here_is_missed_before_a_pool_is_made(tiny):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    for name, executor, line in (
        ("local", {}, "proxy.device: cuda, and no GPU is here"),
        ("slurm", {"kind": "slurm", "partition": "gpu", "time": "01:00:00"}, "proxy.cohort: the GPUs of slurm cannot"),
    ):
        proxy = {**content["proxy"], "device": "cuda"}
        new = {**content, "work": f"gpu-{name}", "proxy": proxy, "executor": executor}
        (tiny / "gpu.yaml").write_text(yaml.safe_dump(new))
        for command in ("run", "validate"):
            assert line in said_here(tiny, command, "gpu.yaml")
        assert not (tiny / f"gpu-{name}" / "stages").exists()


def test_a_floor_against_a_checkpoint_that_has_no_scores(tiny):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "start.pt").write_bytes(b"")
    content["proxy"] |= {"init_from": "start.pt"}
    (tiny / "floor.yaml").write_text(yaml.safe_dump(content))
    line = said_here(tiny, "recommend", "floor.yaml", "--metrics", "metrics.csv", "--keep", "code=0.02")
    assert "limits.keep: with proxy.init_from a floor is counted from the checkpoint's own scores" in line


def test_proxies_that_cannot_be_started_from(tiny, finished):
    assert "proxy.init_from: no file 'nowhere.pt'" in refused(tiny, "proxy", "init_from", value="nowhere.pt")
    at = tiny / "start.pt"
    for write, fix in (
        (lambda: at.write_bytes(b"no proxy"), "is no saved proxy (torch.save writes no such file) — keep_models: true"),
        (lambda: at.write_bytes(pickle.dumps(Evil(tiny))), "is no saved proxy (torch.save writes no such file)"),
        (lambda: torch.save({"embed": Evil(tiny)}, at), "it holds more than tensors, and code in it is never run"),
        (
            lambda: save_proxy(at, Proxies(SIZES["200k"], 512, 64, [0]).weights_of(0), "ours"),
            "start from a proxy of the same size, head and tokenizer",
        ),
    ):
        write()
        assert fix in refused(tiny, "proxy", "init_from", value="start.pt")
    assert not (tiny / "it ran").exists()


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        (b'{"task": "t", "family": "code", "context": "a"}', "line 2: 'continuation' is missing or not a text — give"),
        (b'{"task": "t",', "line 2: not JSON — one object a line is needed"),
        (
            b'{"task": "t", "family": "code", "context": "a", "continuation": ""}',
            "line 2: the continuation of task 't' is empty — give the gold answer",
        ),
    ],
)
def test_a_suite_of_ones_own_with_a_mistake(tiny, finished, line, fix):
    """Seen before the first stage, which over a real corpus may run for days."""
    right = b'{"task": "t", "family": "code", "context": "a", "continuation": " b"}\n'
    (tiny / "own.jsonl").write_bytes(right + line + b"\n")
    stages = set((tiny / "work" / "stages").iterdir())
    found = refused(tiny, "suite", "path", value="own.jsonl")
    assert f"own.jsonl {fix}" in found
    new = {path.name.strip(".").partition("-")[0] for path in set((tiny / "work" / "stages").iterdir()) - stages}
    assert new <= {"checked"}


@pytest.fixture
def tokens(tmp_path, tiny):
    """An experiment over one source of ids, and the tokenizer of three tokens that made them."""
    Tokenizer(BPE({END: 0, "a": 1, "b": 2}, [])).save(str(tmp_path / "tokenizer.json"))
    np.tile(np.array([1, 2, 0], dtype=np.uint16), 500).tofile(tmp_path / "ids.bin")
    shutil.copy(tiny / "suite.jsonl.zst", tmp_path)
    content = {
        "name": "ids", "work": "work", "language": {"model": "none"}, "suite": {"path": "suite.jsonl.zst"},
        "tokenizer": {"path": "tokenizer.json"}, "proxy": {"size": "100k", "tokens": 8_192, "context": 64, "batch": 8},
    }  # fmt: skip

    def write() -> None:
        digest = hashlib.sha256((tmp_path / "tokenizer.json").read_bytes()).hexdigest()
        content["sources"] = {"ids": {"path": "ids.bin", "format": "tokens", "tokenizer_sha256": digest}}
        (tmp_path / "ids.yaml").write_text(yaml.safe_dump(content))

    write()
    return tmp_path, write


def test_ids_that_the_tokenizer_does_not_have(tokens):
    """All documents hold one: each is counted, and the flow stops."""
    folder, _ = tokens
    np.tile(np.array([1, 3, 0], dtype=np.uint16), 500).tofile(folder / "ids.bin")
    line = said(folder, "swarm", "ids.yaml")
    assert "sources.ids: 500 of 500 records could not be read: id outside the vocabulary (500)" in line


@pytest.mark.parametrize(
    ("last", "line"),
    [
        (70_000, "sources.ids.dtype: uint16 cannot hold all 70,001 ids of tokenizer.path"),
        (1 << 20, "tokenizer.json numbers a token 1,048,576, most is 524,287"),
    ],
)
def test_a_tokenizer_whose_numbers_do_not_fit(tokens, last, line):
    folder, write = tokens
    Tokenizer(BPE({END: 0, "a": 1, "b": last}, [])).save(str(folder / "tokenizer.json"))
    write()
    assert line in said_here(folder, "swarm", "ids.yaml")


def test_a_plan_does_not_take_any_number_for_a_vocabulary(tokens):
    folder, write = tokens
    Tokenizer(BPE({END: 0, "a": 1, "b": 1 << 20}, [])).save(str(folder / "tokenizer.json"))
    write()
    content = yaml.safe_load((folder / "ids.yaml").read_text())
    content["sources"]["more"] = content["sources"]["ids"]  # a mix needs two
    (folder / "two.yaml").write_text(yaml.safe_dump(content))
    assert "most is 524,287" in said_here(folder, "plan", "two.yaml", "--device", "h100")


def test_items_that_do_not_fit_the_context_are_shown(tiny, finished):
    """On the terminal and in the catalog."""
    said = mixwright("swarm", "experiment.yaml", "--export", "exported", folder=tiny).stderr
    lines = [line for line in said.splitlines() if line.startswith("suite  ")]
    assert len(lines) == 1
    with duckdb.connect(str(tiny / "work" / "catalog.duckdb"), read_only=True) as catalog:
        rows = catalog.sql("select task, items, cut, left_out from suite").fetchall()
        scored = catalog.sql("select distinct task, items from scores where kind = 'task'").fetchall()
    assert sorted(row[:2] for row in rows) == sorted(scored)
    items, cut, left_out = (sum(row[place] for row in rows) for place in (1, 2, 3))
    assert cut > 0
    assert f"{cut} of {items} items have contexts cut to 64 tokens; left out, since the answer alone" in lines[0]
    assert f"fit: {left_out} (" in lines[0]
