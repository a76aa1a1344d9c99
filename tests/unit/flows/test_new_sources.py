"""Which sources paths mean, what is refused and how, and which proxies fit a time."""

import os
from pathlib import Path

import pytest
import yaml

from flows.errors import ExperimentError
from flows.new import machine
from flows.new.machine import Machine
from flows.new.proxies import OF_TWO, TOKEN_BYTES, Proxies, choose_proxies, part_to_take
from flows.new.sources import Found, find_sources
from flows.new.write import _scalar
from mixes.swarm import SwarmSettings, draw_swarm
from pipeline.errors import PipelineError

MACHINE = Machine("2 CPU cores", "cpu", 2, lambda *_: 1e11)
LINE = b'{"text": "some words"}\n'


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def lay(*paths: str, content: bytes = LINE) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def shown(found: Found) -> dict[str, tuple[str, int]]:
    """Source → (path, files)."""
    return {source.name: (source.path, len(source.files)) for source in found.sources}


def test_a_source_of_each_folder():
    lay("wiki/0.jsonl", "wiki/1.jsonl", "wiki/README.md", "code/in/deep.jsonl.gz", "code/top.jsonl.gz", "math/m.jsonl")
    found = find_sources(["wiki", "code/", "more=math"])
    assert shown(found) == {
        "wiki": ("wiki/*.jsonl", 2), "code": ("code/**/*.jsonl.gz", 2), "more": ("math/m.jsonl", 1),
    }  # fmt: skip
    assert found.notes == ("Left out of wiki: README.md.",)


def test_subfolders_of_one_folder():
    lay("all/data/wiki/0.jsonl", "all/data/code/0.jsonl", "all/data/code/1.jsonl", "all/LICENSE")
    found = find_sources(["all"])
    assert shown(found) == {"code": ("all/data/code/*.jsonl", 2), "wiki": ("all/data/wiki/0.jsonl", 1)}
    assert "2 subfolders" in found.notes[0]


def test_numbered_subfolders_are_shards_of_one_source():
    lay("crawl/seg-00/a.jsonl", "crawl/seg-01/a.jsonl")
    assert shown(find_sources(["crawl"])) == {"crawl": ("crawl/**/*.jsonl", 2)}


def test_differently_named_files_of_one_folder():
    lay("flat/wiki-00.jsonl", "flat/wiki-01.jsonl", "flat/code.jsonl")
    assert shown(find_sources(["flat"])) == {"code": ("flat/code.jsonl", 1), "wiki": ("flat/wiki-*.jsonl", 2)}


def test_what_a_shell_made_of_a_pattern_is_one_source():
    lay("raw/part-0.jsonl", "raw/part-1.jsonl", "code.jsonl")
    found = shown(find_sources(["raw/part-0.jsonl", "raw/part-1.jsonl", "code.jsonl"]))
    assert found == {"raw": ("raw/*.jsonl", 2), "code": ("code.jsonl", 1)}
    assert shown(find_sources(["raw/*.jsonl", "code.jsonl"])) == found


def test_names_are_made_fit_for_sources():
    lay("lang=en/a.jsonl", "_my set!/a.jsonl", "C++/a.jsonl")
    assert set(shown(find_sources(["lang=en", "_my set!", "C++"]))) == {"lang_en", "my_set", "C++"}


@pytest.mark.parametrize(
    ("paths", "lines"),
    [
        (["nowhere"], ["nowhere", "is not there"]),
        (["no*.jsonl"], ["no file matches"]),
        (["empty"], ["empty", "holds no file", "JSON lines, Parquet"]),
        (["zero"], ["empty"]),
        (["three"], ["3 formats", "1 JSON lines", "1 CSV", "1 plain text", "'three/a.jsonl'"]),
        (["two"], ["2 formats", "the files that can be read", "'two/*.jsonl'"]),
        (["binary"], ["binary files"]),
        (["three/b.csv"], ["CSV", "JSON lines"]),
        (["array.json"], ["JSON array", "one object per line"]),
        (["a/data", "b/data"], ["'data'", "a/data", "b/data", "other=b/data"]),
        (["a", "a"], ["named twice"]),
        (["a", "a/data"], ["a/data/x.jsonl", "'a'", "do not lie in one another"]),
        (["http://127.0.0.1:9/x.jsonl"], ["http://127.0.0.1:9/x.jsonl", "does not answer"]),
        (["nosuch://x/y"], ["nosuch", "give a folder"]),
    ],
)
def test_refusals(paths, lines):
    Path("empty").mkdir()
    lay("three/a.jsonl", "two/a.jsonl", "two/c.jsonl", "a/data/x.jsonl", "b/data/x.jsonl")
    lay("three/b.csv", content=b"a,b\n")
    lay("three/c.txt", "two/b.txt.gz", content=b"Dear reader\n")
    lay("binary/x.bin", content=bytes(range(1, 256)) * 20)
    lay("array.json", content=b"[1, 2]")
    lay("zero/x.jsonl", content=b"")
    with pytest.raises((ExperimentError, PipelineError)) as error:
        find_sources(paths)
    assert all(part in str(error.value) for part in lines), error.value
    assert "\n" not in str(error.value)


def test_a_url_is_a_source(web):
    web.files["deep/wiki.jsonl"] = LINE
    assert shown(find_sources([f"{web.url}/deep/wiki.jsonl"])) == {"wiki": (f"{web.url}/deep/wiki.jsonl", 1)}
    with pytest.raises(PipelineError, match="is not there"):
        find_sources([f"{web.url}/other.jsonl"])


def test_a_hundred_thousand_files_are_listed(monkeypatch):
    """Few of them are opened."""
    Path("many").mkdir()
    for number in range(2_000):
        Path(f"many/{number:06d}.jsonl").write_bytes(LINE)
    opened = []
    from flows.new import one_source

    look = one_source.format_of
    monkeypatch.setattr(one_source, "format_of", lambda file: opened.append(file) or look(file))
    assert shown(find_sources(["many"])) == {"many": ("many/*.jsonl", 2_000)}
    assert len(opened) <= 6


def test_more_time_makes_larger_proxies():
    text = {"a": 3e9, "b": 9e9, "c": 2e9}
    chosen = [choose_proxies(text, MACHINE, hours) for hours in (3, 6, 24)]
    assert [one.size for one in chosen] == ["200k", "1M", "4M"] or chosen[0].tokens < chosen[-1].tokens
    for one, hours in zip(chosen, (3, 6, 24), strict=True):
        assert one.hours <= 1.1 * hours


@pytest.mark.parametrize(
    "text",
    [
        {"a": 3e5, "b": 3e5},
        {"a": 3e6, "b": 9e6, "c": 2e6},
        {"a": 3e4, "b": 3e6},
        {"a": 1e8, "b": 1e12},
        {"a": 3e4, "b": 3e4, "c": 1e9, "d": 2e4},
        {f"d{number}": 2e4 * 2.0**number for number in range(12)},
    ],
)
def test_mixes_can_be_drawn_and_proxies_do_not_repeat_the_pool(text):
    chosen = choose_proxies(text, MACHINE, 0.5)
    tokens = {name: size / TOKEN_BYTES for name, size in text.items()}
    assert chosen.tokens <= sum(tokens.values())
    drawn = draw_swarm(tokens, chosen.tokens, SwarmSettings(mixes=chosen.mixes, flatten=chosen.flatten), 0)
    assert len(drawn) in (chosen.proxies, chosen.proxies - 1)  # without uniform, where its cap is too low
    assert chosen.mixes == OF_TWO or len(text) > 2


def test_a_corpus_that_takes_days_is_taken_in_part():
    assert part_to_take(1e6, 2, 1) == 1
    assert 0 < part_to_take(1e12, 2, 1) < 0.01


def test_too_little_text():
    with pytest.raises(ExperimentError, match="too few to train proxies on"):
        choose_proxies({"a": 2_000.0, "b": 1_000.0}, MACHINE, 1)


@pytest.mark.parametrize(
    "text", ["yes", "1e3", "a b", "*x", "x: y", "é", "a\nb", "#", "it's", '"', "null", "C++", "wiki"]
)
def test_any_name_is_yaml(text):
    assert yaml.safe_load(f"{{{_scalar(text)}: {_scalar(text)}}}") == {text: text}


def test_folders_of_other_file_systems():
    import fsspec

    system = fsspec.filesystem("memory")
    for name in ("corpus/wiki/0.jsonl", "corpus/wiki/1.jsonl", "corpus/code/0.jsonl"):
        with system.open(f"/{name}", "wb") as file:
            file.write(LINE)
    found = shown(find_sources(["memory://corpus"]))
    assert found == {"code": ("memory://corpus/code/0.jsonl", 1), "wiki": ("memory://corpus/wiki/*.jsonl", 2)}
    assert shown(find_sources(["memory://corpus/wiki/*.jsonl"])) == {"wiki": ("memory://corpus/wiki/*.jsonl", 2)}


def test_gpus_are_told_by_their_names(monkeypatch):
    names = {
        "NVIDIA H100 80GB HBM3": "h100", "NVIDIA H100 PCIe": "h100-pcie", "NVIDIA H100 NVL": "h100-nvl",
        "NVIDIA A100-SXM4-80GB": "a100", "NVIDIA L40S": "l40s", "NVIDIA L4": "l4", "NVIDIA GeForce RTX 4090": None,
    }  # fmt: skip
    assert {name: machine._published(name) for name in names} == names
    Path("nvidia-smi").write_text("#!/bin/sh\necho 'NVIDIA H100 80GB HBM3'\necho 'NVIDIA H100 80GB HBM3'\n")
    Path("nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path.cwd()}:{os.environ['PATH']}")
    monkeypatch.setattr(machine, "_torch_has_cuda", lambda: True)
    here = machine.this_machine()
    assert (here.name, here.device) == ("2 × NVIDIA H100 80GB HBM3", "cuda")
    chosen = choose_proxies({"a": 3e9, "b": 9e9, "c": 2e9}, here, 6)
    assert (chosen.device, chosen.hours <= 6) == ("cuda", True)
    monkeypatch.setattr(machine, "_torch_has_cuda", lambda: False)
    cores = machine.this_machine()
    assert cores.device == "cpu"
    assert "without CUDA" in cores.note


def test_hours_are_those_of_training_and_preparing():
    assert Proxies("100k", 1, 1, 1, 0.5, "cpu", 1.0, 0.5).hours == 1.5
