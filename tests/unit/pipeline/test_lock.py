"""Processes take turns, also where flock does nothing, and none waits for one that has ended."""

import json
import multiprocessing
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from pipeline.store import lock
from pipeline.store.lock import held, is_held, locked
from pipeline.store.stage import Stage, StageStore

CONTEXT = multiprocessing.get_context("spawn")
STAGE = Stage("slow", 1, {}, ())


def without_flock() -> None:
    """As a network file system without locks has it: every process gets what it asks for."""
    lock.fcntl.flock = lambda _file, _how: None


def count_up(file: Path, times: int, flock: bool) -> None:
    """Read, wait, write: numbers are lost where two do it at once."""
    if not flock:
        without_flock()
    for _ in range(times):
        with locked(file.with_name("lock")):
            number = int(file.read_text())
            time.sleep(0.002)
            file.write_text(str(number + 1))


@pytest.mark.parametrize("flock", [True, False])
def test_processes_take_turns(tmp_path, flock):
    file = tmp_path / "number"
    file.write_text("0")
    processes = [CONTEXT.Process(target=count_up, args=(file, 10, flock)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert file.read_text() == "30"
    assert {path.name for path in tmp_path.iterdir()} == {"number", "lock"}


def make_stage(root: Path, name: str, flock: bool) -> None:
    """Make a stage of ten files, one after the other, and leave a line for each time it is made."""
    if not flock:
        without_flock()

    def work(folder: Path) -> None:
        with (root / "made").open("a") as log:
            log.write(f"{name}\n")
        for number in range(10):
            time.sleep(0.03)
            (folder / f"{number}.txt").write_text(str(number))
        for number in range(0, 10, 2):  # what only the work needs
            (folder / f"{number}.txt").unlink()

    StageStore(root).run(STAGE, work)


@pytest.mark.parametrize("flock", [True, False])
def test_a_stage_is_made_once(tmp_path, flock):
    processes = [CONTEXT.Process(target=make_stage, args=(tmp_path, str(name), flock)) for name in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len((tmp_path / "made").read_text().splitlines()) == 1
    assert sorted(path.name for path in (tmp_path / STAGE.id).glob("*.txt")) == [f"{n}.txt" for n in range(1, 10, 2)]
    assert not (tmp_path / f".{STAGE.id}").exists()


@pytest.mark.parametrize("flock", [True, False])
def test_a_killed_process_is_not_waited_for(tmp_path, flock, monkeypatch):
    process = CONTEXT.Process(target=make_stage, args=(tmp_path, "first", flock))
    process.start()
    while not (tmp_path / f".{STAGE.id}" / "2.txt").exists():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    if not flock:
        monkeypatch.setattr(lock.fcntl, "flock", lambda _file, _how: None)
    make_stage(tmp_path, "second", True)
    assert (tmp_path / "made").read_text().split() == ["first", "second"]
    assert (tmp_path / STAGE.id / "9.txt").read_text() == "9"


def owner(file: Path, **about: object) -> Path:
    note = file.with_name(f"{file.name}.owner")
    note.write_text(json.dumps({"name": "a", "host": "elsewhere", "pid": 1, "started": "1", **about}))
    return note


def test_another_machine_is_waited_for_until_it_is_silent(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SILENT", 0.5)
    note = owner(tmp_path / "lock")
    os.utime(note, (time.time() + 3_600,) * 2)  # by a clock that is ahead
    heard: list[str] = []
    started = time.monotonic()
    with locked(tmp_path / "lock", heard.append) as taken:
        assert time.monotonic() - started > 0.5
        assert taken.is_ours
    assert "process 1 on elsewhere is at it: waiting" in heard[0]
    assert not note.exists()


@pytest.mark.parametrize(
    "about", [{"pid": 2**22 + 1}, {"pid": os.getpid()}, {"pid": 1, "started": "another"}], ids=["gone", "own", "reused"]
)
def test_a_note_of_an_ended_process_is_void_at_once(tmp_path, about):
    note = owner(tmp_path / "lock", host=socket.gethostname(), **about)
    with held(tmp_path / "lock") as is_free:
        assert is_free
    with locked(tmp_path / "lock"):
        assert is_held(tmp_path / "lock")
    assert not note.exists()


def test_a_process_that_stood_still_knows_that_it_lost_the_lock(tmp_path):
    with locked(tmp_path / "lock") as taken:
        owner(tmp_path / "lock")
        assert not taken.is_ours
    assert (tmp_path / "lock.owner").exists(), "another's note was taken away"
