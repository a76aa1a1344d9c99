"""Damage is told from what was written: every byte of a table, of a JSON file, of a stage."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import PipelineError
from pipeline.store.documents import read_rows, write_parquet, write_rows
from pipeline.store.seal import KEY, Damaged, is_whole_table, read_sealed_json, sealed_json, sealed_table
from pipeline.store.stage import Stage, StageStore, Unfinished
from pipeline.store.work_folder import claim_folder

TABLE = pl.DataFrame({"name": ["a", "é", ""], "value": [1.5, -2.0, None], "count": [1, 2, 3]})
STAGE = Stage("thing", 1, {"a": 1}, ("input",))


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :]


def test_every_flipped_byte_of_a_table_is_noticed(tmp_path):
    content, file = sealed_table(TABLE), tmp_path / "t.parquet"
    file.write_bytes(content)
    assert is_whole_table(file)
    assert pl.read_parquet(file).equals(TABLE)
    missed = []
    for place in range(len(content)):
        file.write_bytes(flipped(content, place))
        missed += [place] * is_whole_table(file)
    key = content.index(KEY.encode())
    assert set(missed) <= set(range(key, key + len(KEY)))  # without its name a seal is none, and the rest is whole


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_cut_table_is_noticed(share, tmp_path):
    content, file = sealed_table(TABLE), tmp_path / "t.parquet"
    file.write_bytes(content[: int(share * len(content))])
    assert not is_whole_table(file)
    assert not is_whole_table(tmp_path / "none.parquet")


def test_a_table_without_a_seal_counts_as_whole(tmp_path):
    TABLE.write_parquet(tmp_path / "t.parquet")
    assert is_whole_table(tmp_path / "t.parquet")


def test_every_flipped_byte_of_a_json_file_is_noticed(tmp_path):
    wanted, file = {"tables": {"a": ["x", "y"]}, "number": 2.5}, tmp_path / "j.json"
    content = sealed_json(wanted)
    file.write_bytes(content)
    assert read_sealed_json(file) == wanted
    for place in range(len(content)):
        file.write_bytes(flipped(content, place))
        try:
            read = read_sealed_json(file)
        except Damaged:
            continue
        assert {name: value for name, value in read.items() if name in wanted} == wanted


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_damaged(content, tmp_path):
    (tmp_path / "j.json").write_bytes(content)
    with pytest.raises(Damaged):
        read_sealed_json(tmp_path / "j.json")


def test_flipped_pages_of_documents_are_refused(tmp_path):
    import pyarrow as pa

    file, rows = tmp_path / "d.parquet", [{"text": f"a document that says {n * n}"} for n in range(500)]
    write_rows(rows, pa.schema([("text", pa.string())]), file)
    content = file.read_bytes()
    assert list(read_rows(file)) == rows
    for place in range(100, 600, 50):
        file.write_bytes(flipped(content, place))
        with pytest.raises(OSError, match=r"(?i)crc|corrupt|checksum"):
            list(read_rows(file))


class Counted:
    """A stage's work that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        write_parquet(TABLE, folder / "tables" / "00000.parquet")
        (folder / "small.json").write_text(json.dumps([1, 2, 3]))
        (folder / "large.bin").write_bytes(b"x" * (2 << 20))
        (folder / ".left.json.123").write_text("half")
        (folder / "parts" / ".00000.123").mkdir(parents=True)
        (folder / "parts" / ".00000.123" / "files.json").write_text("[]")
        (folder / "logs").mkdir()
        (folder / "logs" / "log.txt").write_text("said")


@pytest.fixture
def store(tmp_path, monkeypatch) -> StageStore:
    from pipeline.store import stage

    monkeypatch.setattr(stage, "_WHOLE", _Nothing())  # look each time, as another process would
    return StageStore(tmp_path / "stages")


class _Nothing(set):
    def add(self, _: object) -> None:
        """Forget it."""


def test_a_stage_leaves_no_hidden_files_or_folders(store):
    folder = store.run(STAGE, Counted())
    assert not list(folder.rglob(".*"))


@pytest.mark.parametrize("file", ["tables/00000.parquet", "small.json", "large.bin", "stage.json"])
@pytest.mark.parametrize("harm", ["cut", "emptied", "deleted"])
def test_a_damaged_stage_is_made_anew(file, harm, store):
    work, notes = Counted(), []
    store = StageStore(store.root, note=notes.append)
    folder = store.run(STAGE, work)
    whole, path = {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}, folder / file
    store.run(STAGE, work)
    assert work.calls == 1
    if harm == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: 5 if harm == "cut" else 0])
    if not (harm == "deleted" and file == "stage.json"):
        with pytest.raises(Unfinished):
            store.finding.run(STAGE, work)
    store.run(STAGE, work)
    assert work.calls == 2
    assert {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()} == whole
    assert len(notes) == (not (harm == "deleted" and file == "stage.json"))
    assert all("is damaged" in line and "is made anew" in line for line in notes)


@pytest.mark.parametrize("file", ["tables/00000.parquet", "small.json", "stage.json"])
def test_a_flipped_bit_of_a_small_file_is_noticed(file, store):
    work = Counted()
    path = store.run(STAGE, work) / file
    content = path.read_bytes()
    for place in range(0, len(content), 37):
        path.write_bytes(flipped(content, place))
        before = work.calls
        store.run(STAGE, work)
        assert work.calls == before + 1 or json.loads(path.read_bytes()) == json.loads(content)


def test_logs_are_no_part_of_a_stage(store):
    work = Counted()
    folder = store.run(STAGE, work)
    (folder / "logs" / "log.txt").unlink()
    store.run(STAGE, work)
    assert work.calls == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"files": 3}', b"[]", b"\0" * 50])
def test_damaged_hashes_are_made_anew(content, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    store = StageStore(tmp_path / "stages")
    wanted = store.hash_files([tmp_path / "a.txt"])
    (store.root / "hashes.json").write_bytes(content)
    assert StageStore(store.root).hash_files([tmp_path / "a.txt"]) == wanted
    assert read_sealed_json(store.root / "hashes.json")["files"]


@pytest.mark.parametrize("left", [(), ("logs",), ("records", "checkpoints", ".records.lock"), ("stages", "thesis.txt")])
def test_a_folder_of_ours_that_lost_a_part_is_still_ours(left, tmp_path):
    for name in left:
        (tmp_path / "work" / name).mkdir(parents=True)
    claim_folder(tmp_path / "work")
    assert (tmp_path / "work" / "stages").is_dir()


@pytest.mark.parametrize("name", ["thesis.txt", "catalog.duckdb.bak", "record"])
def test_a_folder_that_is_not_ours_is_left_alone(name, tmp_path):
    (tmp_path / name).write_text("dear reader")
    with pytest.raises(PipelineError, match="no work folder of mixwright"):
        claim_folder(tmp_path)
    with pytest.raises(PipelineError, match="is a file"):
        claim_folder(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a\0b", "/proc/nowhere/work", "x" * 300])
def test_a_folder_that_cannot_be_made_is_one_line(name, tmp_path):
    with pytest.raises(PipelineError, match="work: ") as error:
        claim_folder(tmp_path / name)
    assert len(str(error.value)) < 400
