"""Where shards come from: globs, URLs, lists; a real HTTP server and fsspec's file system in memory."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from pydantic import ValidationError

from pipeline.errors import PipelineError
from pipeline.read.readers import READERS, Refused
from pipeline.read.sources import SourceSettings, find_shards
from pipeline.store.stage import StageStore

ROW = b'{"text": "%d of them"}\n'


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def shards(base: Path, **settings) -> list:
    return find_shards({"x": SourceSettings(**{"format": "jsonl", **settings})}, base)


def texts(found: list) -> list[str]:
    documents = [document for shard in found for document in READERS[shard.format](shard, 1 << 20)]
    return [d.reason if isinstance(d, Refused) else d.text for d in documents]


def test_one_file_from_everywhere(tmp_path, web, memory):
    """The same bytes by path, by file:// URL, over HTTP and from memory: the same documents, ids included."""
    content = gzip.compress(b"".join(ROW % n for n in range(5_000)))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl.gz").write_bytes(content)
    web.files["deep/a.jsonl.gz"] = content
    memory.pipe("/bucket/a.jsonl.gz", content)
    places = ["data/*.gz", f"file://{tmp_path}/data/a.jsonl.gz", f"{web.url}/deep/a.jsonl.gz", "memory://bucket/*.gz"]
    ids = set()
    for place in places:
        found = shards(tmp_path, path=place)
        assert [shard.name for shard in found] == ["a.jsonl.gz"]
        documents = list(READERS["jsonl"](found[0], 1 << 20))
        assert [document.text for document in documents] == [f"{n} of them" for n in range(5_000)]
        ids.add(tuple(document.id for document in documents))
    assert len(ids) == 1


def test_lists_of_paths(tmp_path, web):
    """Common Crawl's way: a packed list, its lines relative to a prefix."""
    names = [f"crawl/segments/{n}/warc/{n:05d}.jsonl" for n in range(4)]
    for number, name in enumerate(names):
        (tmp_path / "mirror" / name).parent.mkdir(parents=True)
        (tmp_path / "mirror" / name).write_bytes(ROW % number)
        web.files[name] = ROW % number
    listed = "".join(f"{name}\n" for name in [*names, names[0], ""]).encode()
    (tmp_path / "warc.paths.gz").write_bytes(gzip.compress(listed))
    (tmp_path / "warc.paths").write_bytes(listed)
    web.files["warc.paths.gz"] = gzip.compress(listed)
    expected = [f"{n} of them" for n in range(4)]
    for path in ("warc.paths.gz", "warc.paths", f"{web.url}/warc.paths.gz"):
        for prefix in ("mirror", str(tmp_path / "mirror"), f"{web.url}/", web.url):
            assert texts(shards(tmp_path, path=path, prefix=prefix)) == expected, (path, prefix)
    default = shards(tmp_path, path="warc.paths")  # nobody is asked before it is read
    assert default[0].url == f"https://data.commoncrawl.org/{names[0]}"


def test_a_part_of_the_shards(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02d}.jsonl").write_bytes(ROW % number)
    (tmp_path / "all.paths").write_text("\n".join(f"{number:02d}.jsonl" for number in reversed(range(20))))
    names = {
        way: [shard.name for shard in shards(tmp_path, **settings)]
        for way, settings in {
            "all": {"path": "*.jsonl"},
            "first": {"path": "*.jsonl", "first": 3},
            "sample": {"path": "*.jsonl", "sample": 5},
            "larger sample": {"path": "*.jsonl", "sample": 9},
            "first of list": {"path": "all.paths", "prefix": ".", "first": 2},
            "sample of list": {"path": "all.paths", "prefix": ".", "sample": 5},
            "more than there are": {"path": "*.jsonl", "sample": 500},
        }.items()
    }
    assert names["first"] == names["all"][:3]
    assert names["sample"] == sorted(names["sample"])
    assert len(names["sample"]) == 5
    assert names["sample"] != names["all"][:5]
    assert set(names["sample"]) < set(names["larger sample"])
    assert names["first of list"] == ["19.jsonl", "18.jsonl"]
    assert names["sample of list"] == names["sample"][::-1]
    assert names["more than there are"] == names["all"]
    with pytest.raises(ValidationError, match="first and sample exclude each other"):
        SourceSettings(path="*", format="jsonl", first=1, sample=1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"path": "nothing/*.gz"}, r"sources\.x\.path: no file matches 'nothing/\*\.gz' \(looked under"),
        ({"path": "memory://nothing/*.gz"}, r"sources\.x\.path: no file matches 'memory://nothing/\*\.gz'"),
        ({"path": "nope://a/b"}, r"sources\.x\.path: 'nope://a/b': Protocol not known: nope — give a path"),
        ({"path": "gs://bucket/*.gz"}, r"sources\.x\.path: 'gs://bucket/\*\.gz' needs a driver .*install gcsfs"),
        ({"path": "http://127.0.0.1:9/warc.paths.gz"}, r"sources\.x\.path: cannot read 'http://127\.0\.0\.1:9/"),
        ({"path": "cut.paths.gz"}, r"sources\.x\.path: cannot read '.*cut\.paths\.gz' \(EOFError"),
        ({"path": "empty.paths"}, r"sources\.x\.path: the list empty\.paths names no file"),
        ({"path": "binary.paths"}, r"sources\.x\.path: '.*binary\.paths': .*utf-8"),
        ({"path": "fine.paths", "prefix": "nope://"}, r"sources\.x\.prefix: 'nope://': Protocol not known"),
        ({"path": "up.paths", "prefix": "."}, r"sources\.x\.path: line 'a/\.\./\.\./b' of up\.paths leads out"),
        ({"path": "root.paths", "prefix": "."}, r"sources\.x\.path: line '/etc/passwd' of root\.paths leads out"),
    ],
)
def test_what_names_no_file_is_one_line_with_the_fix(tmp_path, memory, settings, said):
    files = {
        "cut.paths.gz": gzip.compress(b"a\nb\n")[:-9], "empty.paths": b"\n", "binary.paths": b"\xff\xfa\n",
        "fine.paths": b"a\n", "up.paths": b"a/../../b\n", "root.paths": b"/etc/passwd\n",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PipelineError, match=said) as raised:
        shards(tmp_path, **settings)
    assert "\n" not in str(raised.value)


def test_a_remote_shard_is_known_by_its_version_and_not_downloaded_for_it(tmp_path, web):
    for n in range(10):
        web.files[f"{n}.jsonl"] = ROW % n
    urls = [f"{web.url}/{n}.jsonl" for n in range(10)]
    one = StageStore(tmp_path).hash_files(urls)
    assert one == StageStore(tmp_path).hash_files(urls)
    assert {way for way, _ in web.asked} == {"HEAD"}
    web.files["7.jsonl"] = ROW % 8  # of the same size
    assert StageStore(tmp_path).hash_files(urls) != one
    del web.files["7.jsonl"]
    assert StageStore(tmp_path).hash_files(urls) not in (one, StageStore(tmp_path).hash_files(urls[1:]))
    (tmp_path / "7.jsonl").write_bytes(ROW % 7)
    assert StageStore(tmp_path).hash_files([tmp_path / "7.jsonl"]) == (
        StageStore(tmp_path).hash_files([str(tmp_path / "7.jsonl")])
    )
