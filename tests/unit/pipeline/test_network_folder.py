"""What a network file system may answer: a rename that is reported as failed though done, names that are taken or lag
behind, files that stay while they are read elsewhere, notes that are still empty."""

import errno
import json
import os
import socket
import threading
import time
from pathlib import Path

import polars as pl
import pytest

from pipeline.errors import PipelineError
from pipeline.store import listing, lock, seal, stage, writing
from pipeline.store.listing import wait_until_listed
from pipeline.store.lock import locked
from pipeline.store.stage import Stage, StageStore
from pipeline.store.writing import clear_name, rename, write_aside, written_aside

STAGE = Stage("texts", 1, {}, ())
REPLACE, LISTDIR, UNLINK = os.replace, os.listdir, Path.unlink


def make(folder: Path) -> None:
    (folder / "documents").mkdir(exist_ok=True)
    (folder / "documents" / "00000.parquet").write_bytes(b"all of it")


def done_but_reported(number: int):
    """A rename that is carried out, and whose answer is that of the same request once more."""

    def replace(source: Path, target: Path) -> None:
        REPLACE(source, target)
        raise OSError(number, os.strerror(number), str(source))

    return replace


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY])
def test_a_rename_that_was_done_is_no_failure(tmp_path, monkeypatch, number):
    monkeypatch.setattr(writing.os, "replace", done_but_reported(number))
    write_aside(tmp_path / "a.json", b"1")
    write_aside(tmp_path / "a.json", b"2")
    assert (tmp_path / "a.json").read_bytes() == b"2"
    assert StageStore(tmp_path).run(STAGE, make) == tmp_path / STAGE.id
    with written_aside(tmp_path / STAGE.id) as aside:  # a folder over one that holds something
        aside.mkdir()
        make(aside)
    assert (tmp_path / STAGE.id / "documents" / "00000.parquet").read_bytes() == b"all of it"
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")) == [
        "a.json",
        STAGE.id,
    ]


def test_a_rename_that_was_not_done_is_one(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")
    with pytest.raises(FileNotFoundError):
        rename(tmp_path / "gone", tmp_path / "a")

    def refuse(source: Path, _target: Path) -> None:
        os.unlink(source)  # as another process may
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(source))

    monkeypatch.setattr(writing.os, "replace", refuse)
    with pytest.raises(FileNotFoundError):
        write_aside(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_text() == "old"


def test_a_stage_that_another_machine_finished_unseen_is_taken(tmp_path):
    """The folder's listing lags: it seems not to be there until the rename finds the name taken."""

    def work(folder: Path) -> None:
        make(folder)
        StageStore(tmp_path / "elsewhere").run(STAGE, make)
        (tmp_path / "elsewhere" / STAGE.id).rename(tmp_path / STAGE.id)

    final = StageStore(tmp_path).run(STAGE, work)
    assert (final / "documents" / "00000.parquet").read_bytes() == b"all of it"
    assert not (tmp_path / f".{STAGE.id}").exists()


def test_a_name_that_holds_something_else_is_not(tmp_path):
    def work(folder: Path) -> None:
        make(folder)
        (tmp_path / STAGE.id).mkdir()
        (tmp_path / STAGE.id / "notes.txt").write_text("mine")

    there = Path.exists
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "exists", lambda path: path.name != STAGE.id and there(path))  # this machine's view lags
        with pytest.raises(OSError, match="not empty"):
            StageStore(tmp_path).run(STAGE, work)
    assert (tmp_path / STAGE.id / "notes.txt").read_text() == "mine"


def test_files_that_are_read_elsewhere_stay_and_do_no_harm(tmp_path, monkeypatch):
    """NFS keeps a removed file that is open under `.nfs…`; removing that one says that it is busy."""

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith(".nfs"):
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        UNLINK(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)

    def work(folder: Path) -> None:
        make(folder)
        (folder / "documents" / ".nfs0000000000a1b2c300000001").write_bytes(b"read elsewhere")

    heard: list[str] = []
    final = StageStore(tmp_path).run(STAGE, work)
    assert "nfs" not in (final / "stage.json").read_text()
    stage._WHOLE.clear()
    assert StageStore(tmp_path, note=heard.append).run(STAGE, work) == final
    assert heard == []


def test_a_damaged_stage_is_made_anew_though_a_file_of_it_is_read_elsewhere(tmp_path, monkeypatch):
    final = StageStore(tmp_path).run(STAGE, make)
    (final / "documents" / "00000.parquet").write_bytes(b"half")
    stage._WHOLE.clear()
    monkeypatch.setattr(writing.shutil, "rmtree", lambda _folder, ignore_errors: None)  # something stays
    assert StageStore(tmp_path).run(STAGE, make) == final
    assert (final / "documents" / "00000.parquet").read_bytes() == b"all of it"


def test_a_stale_handle_is_no_damage(tmp_path, monkeypatch):
    """Another machine replaced the file: looked up again, it is there. A stage is never made anew for it."""
    monkeypatch.setattr(seal, "STALE", (0.0, 0.0))
    heard: list[str] = []
    final = StageStore(tmp_path).run(STAGE, make)
    write_aside(tmp_path / "table.parquet", seal.sealed_table(pl.DataFrame({"a": [1]})))
    read, left = Path.read_bytes, [0]

    def read_bytes(path: Path) -> bytes:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    for times in (1, 2):
        stage._WHOLE.clear()
        left[0] = times
        assert StageStore(tmp_path, note=heard.append).run(STAGE, make) == final
        left[0] = times
        assert seal.is_whole_table(tmp_path / "table.parquet")
    stage._WHOLE.clear()
    for look in (
        lambda: StageStore(tmp_path).run(STAGE, make),
        lambda: seal.is_whole_table(tmp_path / "table.parquet"),
    ):
        left[0] = 3
        with pytest.raises(OSError, match="Stale file handle"):
            look()
    assert heard == []


def test_names_are_cleared_whatever_they_are(tmp_path):
    (tmp_path / "file").write_text("a")
    (tmp_path / "folder").mkdir()
    make(tmp_path / "folder")
    for name in ("file", "folder", "nothing"):
        clear_name(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_listing_that_lags_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "ASKED", 0.01)
    looks = iter([OSError("not there"), [], ["00000.parquet"], ["00000.parquet", "00001.parquet"]])

    def listdir(_folder: Path) -> list[str]:
        shown = next(looks)
        if isinstance(shown, OSError):
            raise shown
        return shown

    monkeypatch.setattr(listing.os, "listdir", listdir)
    wait_until_listed(tmp_path / f"0000{rank}.parquet" for rank in range(2))
    assert next(looks, None) is None


def test_a_file_that_never_shows_is_an_error_and_no_smaller_pool(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "LAG", 0.0)
    (tmp_path / "00000.parquet").touch()
    with pytest.raises(PipelineError, match=r"00001\.parquet: 1 of 2 files .* give the same command again"):
        wait_until_listed(tmp_path / f"0000{rank}.parquet" for rank in range(2))


def test_a_note_that_is_still_empty_is_not_void(tmp_path):
    """Another machine has created it and has not closed it yet."""
    note = tmp_path / "lock.owner"
    note.touch()
    done = threading.Event()

    def close_it() -> None:
        time.sleep(1.5)  # longer than a look at it takes
        note.write_text(json.dumps({"name": "a", "host": "elsewhere", "pid": 1, "started": "1"}))
        time.sleep(0.5)
        done.set()
        note.unlink()

    writer = threading.Thread(target=close_it)
    writer.start()
    with locked(tmp_path / "lock") as taken:
        assert done.is_set()
        assert taken.is_ours
    writer.join()


def test_a_note_that_stays_empty_is_void(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "NASCENT", 0.2)
    (tmp_path / "lock.owner").touch()
    with locked(tmp_path / "lock"):
        assert json.loads((tmp_path / "lock.owner").read_text())["host"] == socket.gethostname()
