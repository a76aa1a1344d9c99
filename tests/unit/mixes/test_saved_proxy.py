"""A proxy to start from may come from anyone: nothing in its file runs, unpacks without end, or passes for numbers."""

import pickle
import re
import zipfile
from pathlib import Path

import pytest
import torch
from support import Evil

from mixes.errors import MixError
from mixes.proxy.checkpoint import load_moment, load_proxy, save_proxy
from mixes.proxy.model import Proxies
from mixes.proxy.settings import ProxySettings
from mixes.proxy.train import optimiser_of

SETTINGS = ProxySettings(size="100k", tokens=8_192, context=64, batch=8)
VOCABULARY = 300
GOOD = Proxies(SETTINGS.shape, VOCABULARY, 64, [0]).weights_of(0)
LARGE = {**GOOD, "embed": torch.zeros(1 << 22)}


class Huge:
    """Takes all memory when it is unpickled."""

    def __reduce__(self):
        return bytearray, (1 << 60,)


def said(path: Path) -> str:
    with pytest.raises(MixError) as raised:
        load_proxy(path, SETTINGS, VOCABULARY)
    line = str(raised.value)
    assert line.startswith(f"proxy.init_from: {path} ")
    assert "\n" not in line
    return line


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_was_saved_is_loaded(tmp_path, dtype):
    save_proxy(tmp_path / "a.pt", {name: weight.to(dtype) for name, weight in GOOD.items()}, "ours")
    loaded = load_proxy(tmp_path / "a.pt", SETTINGS, VOCABULARY)
    for name, weight in GOOD.items():
        assert torch.equal(loaded[name], weight.to(dtype))


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_code_is_never_run(tmp_path, form):
    evil, path = {**GOOD, "embed": Evil(tmp_path)}, tmp_path / "a.pt"
    if form == "pickle":
        path.write_bytes(pickle.dumps(evil["embed"]))
    else:
        torch.save({"weights": evil, "tokenizer": "ours"}, path, _use_new_zipfile_serialization=form == "zip")
    wanted = "it holds more than tensors, and code in it is never run" if form == "zip" else "torch.save writes no such"
    assert wanted in said(path)
    assert not (tmp_path / "it ran").exists()
    if form != "pickle":  # the oracle can fail: this file does run code where it may
        torch.load(path, weights_only=False)
        assert (tmp_path / "it ran").exists()


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path):
    torch.save(LARGE, tmp_path / "large.pt")
    with (
        zipfile.ZipFile(tmp_path / "large.pt") as stored,
        zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for part in stored.infolist():
            packed.writestr(part.filename, stored.read(part))
    assert (tmp_path / "packed.pt").stat().st_size < 1 << 20 < (tmp_path / "large.pt").stat().st_size
    for name in ("large.pt", "packed.pt"):
        assert re.search(r"unpacks to 17,\d+,\d+ bytes, a proxy of size 100k", said(tmp_path / name))


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {**GOOD, 3: torch.zeros(1)},
        {**GOOD, "embed": 1},
        {**GOOD, "embed": GOOD["embed"].long()},
        {**GOOD, "embed": GOOD["embed"].to("meta")},
        {**GOOD, "embed": GOOD["embed"].to_sparse()},
        {**GOOD, "gain": GOOD["gain"] * torch.nan},
    ],
    ids=["list", "key", "number", "integers", "meta", "sparse", "nan"],
)
def test_what_holds_no_numbers(tmp_path, content):
    torch.save({"weights": content, "tokenizer": "ours"}, tmp_path / "a.pt")
    assert "it holds something else than names with finite numbers" in said(tmp_path / "a.pt")


def test_files_that_are_none(tmp_path):
    save_proxy(tmp_path / "whole.pt", GOOD, "ours")
    (tmp_path / "half.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:99_999])
    (tmp_path / "empty.pt").touch()
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as other:
        other.writestr("../../data.pkl", b"x")
    torch.save({"weights": {**GOOD, "embed": Huge()}, "tokenizer": "ours"}, tmp_path / "huge.pt")
    torch.save(GOOD, tmp_path / "bare.pt")
    for name in ("half.pt", "empty.pt", "other.pt", "huge.pt", "bare.pt", "nowhere.pt", "."):
        assert "is no saved proxy (" in said(tmp_path / name)


def test_a_damaged_checkpoint_says_what_to_do(tmp_path):
    proxies = Proxies(SETTINGS.shape, VOCABULARY, 64, [0])
    for content in (b"", b"half of a checkpoint", pickle.dumps(Evil(tmp_path))):
        (tmp_path / "cohort.pt").write_bytes(content)
        with pytest.raises(MixError, match=r"cohort\.pt: damaged \(\w+\) — delete it, and its proxies start anew"):
            load_moment(tmp_path / "cohort.pt", proxies, optimiser_of(proxies, SETTINGS), torch.zeros(1, 16))
    assert not (tmp_path / "it ran").exists()
