"""Which files a pattern means: links, brackets, dots, folders; and that their ids are the same wherever they lie."""

import doctest
import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from pipeline.errors import PipelineError
from pipeline.read.readers import READERS
from pipeline.read.sources import SourceSettings, find_shards
from pipeline.store import globs

ROW = b'{"text": "%d of them"}\n'


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def names(base: Path, path: str, **settings) -> list[str]:
    source = SourceSettings(path=path, format="jsonl", **settings)
    return [shard.name for shard in find_shards({"x": source}, base)]


def ids(base: Path, path: str, **settings) -> list[str]:
    source = SourceSettings(path=path, format="jsonl", **settings)
    shards = find_shards({"x": source}, base)
    return [document.id for shard in shards for document in READERS["jsonl"](shard, 1 << 20)]


def write(base: Path, *files: str) -> None:
    for number, file in enumerate(files):
        (base / file).parent.mkdir(parents=True, exist_ok=True)
        (base / file).write_bytes(ROW % number + ROW % number)


CRAWLS = ("data/CC-1/000.jsonl", "data/CC-1/001.jsonl", "data/CC-2/000.jsonl", "data/CC-2/deep/er/000.jsonl")


def test_files_of_one_name_have_ids_of_their_own_that_are_the_same_everywhere(tmp_path, web, memory):
    here, there = tmp_path / "here", tmp_path / "there" / "data"
    write(here, *CRAWLS)
    write(there, *CRAWLS)
    for file in CRAWLS:
        web.files[file] = (here / file).read_bytes()
        memory.pipe(f"/{file}", web.files[file])
    (here / "all.paths").write_text("".join(f"{file.removeprefix('data/')}\n" for file in CRAWLS))
    expected = ids(here, "data/**/*.jsonl")
    assert len(set(expected)) == 2 * len(CRAWLS)
    assert ids(there, "data/**/*.jsonl") == ids(tmp_path, f"{there}/data/**/*.jsonl") == expected
    assert ids(tmp_path, "./there//data/./data/**/*.jsonl") == expected
    assert set(ids(here, f"file://{here}/data/**/*.jsonl")) == set(expected)
    assert set(ids(here, "memory://data/**/*.jsonl")) == set(expected)
    assert ids(here, "all.paths", prefix="data") == ids(here, "all.paths", prefix=f"{web.url}/data") == expected
    other = SourceSettings(path="data/**/*.jsonl", format="jsonl")
    two = find_shards({"x": other, "y": other}, here)  # one file in two sources
    assert len({document.id for shard in two for document in READERS["jsonl"](shard, 1 << 20)}) == 4 * len(CRAWLS)


def test_records_that_repeat_an_id_have_ids_of_their_own(tmp_path):
    for name in ("a/x.jsonl", "b/x.jsonl"):
        write(tmp_path, name)
        (tmp_path / name).write_text('{"text": "a", "id": "one"}\n{"text": "b", "id": "one"}\n')
    assert len(set(ids(tmp_path, "*/x.jsonl"))) == 4


def test_two_stars_enter_every_folder_and_links_to_folders_once(tmp_path):
    write(tmp_path, *CRAWLS, "else/where/a.jsonl", "data/.hidden/a.jsonl", "data/.a.jsonl.123", "data/.b.jsonl")
    (tmp_path / "data/folder.jsonl").mkdir()
    os.symlink(tmp_path / "else", tmp_path / "data/linked")
    os.symlink(tmp_path / "data", tmp_path / "data/CC-1/loop")
    os.symlink(tmp_path / "data/CC-2", tmp_path / "data/CC-0")  # a folder that is met anyway
    os.symlink(tmp_path / "nowhere.jsonl", tmp_path / "data/broken.jsonl")
    found = names(tmp_path, "data/**/*.jsonl")
    assert found == [*[file.removeprefix("data/") for file in CRAWLS], "broken.jsonl", "linked/where/a.jsonl"]
    assert names(tmp_path, "data/**") == found
    assert names(tmp_path, "data/**/.*.jsonl") == [".b.jsonl"]
    assert names(tmp_path, "data/*/000.jsonl") == ["CC-0/000.jsonl", "CC-1/000.jsonl", "CC-2/000.jsonl"]
    assert len(names(tmp_path, "**/where/*")) == 1
    (row,) = [row for shard in find_shards({"x": SourceSettings(path="data/b*.jsonl", format="jsonl")}, tmp_path)
              for row in READERS["jsonl"](shard, 1 << 20)]  # fmt: skip
    assert (row.reason, row.fatal) == ("unreadable (FileNotFoundError)", True)


def test_brackets_that_are_there_are_meant(tmp_path):
    write(tmp_path, "data[1]/x[a].jsonl", "data1/xa.jsonl", "data2/xb.jsonl")
    assert names(tmp_path, "data[1]/x[a].jsonl") == ["data[1]/x[a].jsonl"]
    assert names(tmp_path, "data[1]/*.jsonl") == ["data[1]/x[a].jsonl"]
    assert names(tmp_path, "data[2]/x[b].jsonl") == ["data2/xb.jsonl"]
    assert names(tmp_path, f"{tmp_path}/data[12]/*") == ["data1/xa.jsonl", "data2/xb.jsonl"]
    assert names(tmp_path / "data[1]", "*.jsonl") == ["x[a].jsonl"]
    assert names(tmp_path, f"file://{tmp_path}/data[1]/x[a].jsonl")[0].endswith("data[1]/x[a].jsonl")


def test_a_hash_is_a_part_of_a_name(tmp_path, web, memory):
    write(tmp_path, "c#/a#1.jsonl")
    content = (tmp_path / "c#/a#1.jsonl").read_bytes()
    (tmp_path / "all.paths").write_text("c#/a#1.jsonl\n")
    web.files["c%23/a%231.jsonl"] = content
    memory.pipe("/c#/a#1.jsonl", content)
    for settings in (
        {"path": "c#/*.jsonl"}, {"path": "memory://c#/a#1.jsonl"}, {"path": f"{web.url}/c#/a#1.jsonl"},
        {"path": f"file://{tmp_path}/c#/a#1.jsonl"},
    ):  # fmt: skip
        assert names(tmp_path, **settings) == ["a#1.jsonl"], settings
        assert ids(tmp_path, **settings) == ids(tmp_path, "c#/a#1.jsonl"), settings
    assert len(ids(tmp_path, "all.paths", prefix=web.url)) == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data", r"sources\.x\.path: no file matches 'data', which is a folder — name its files, as data/\*"),
        ("data/CC-*", r"sources\.x\.path: no file matches 'data/CC-\*' \(looked under"),
        ("data/../../*.jsonl", r"sources\.x\.path: no file matches"),
    ],
)
def test_what_matches_no_file(tmp_path, path, said):
    write(tmp_path, *CRAWLS)
    with pytest.raises(PipelineError, match=said):
        names(tmp_path, path)


def test_the_example():
    assert doctest.testmod(globs).failed == 0
