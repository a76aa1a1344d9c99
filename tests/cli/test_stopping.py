"""A driver that is stopped says so in one line, and leaves no process behind, whatever stopped it and whenever."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from support import ROOT

# A shell's background jobs start with SIGINT ignored, and so would the command.
COMMAND = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from flows.cli import main; main()"
PATIENCE = 10  # seconds


@pytest.fixture(scope="module")
def prepared(tiny, finished) -> Path:
    """The finished experiment's stages, without the runs that came after."""
    for place in (tiny / "work" / "stages").iterdir():
        if not place.name.startswith("recommend-"):
            copy = tiny / "prepared" / "stages" / place.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(place, copy) if place.is_dir() else shutil.copy(place, copy)
    return tiny / "prepared"


def started(tiny: Path, command: str, work: Path) -> subprocess.Popen:
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    file = work.with_suffix(".yaml")
    file.write_text(yaml.safe_dump({**content, "work": work.name}))
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, command, file.name], cwd=tiny, start_new_session=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def extracts(process: psutil.Process) -> bool:
    try:
        return any(word.endswith("page.py") for word in process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return False


def at_work(process: subprocess.Popen, work: Path, command: str) -> bool:
    """Whether workers run: of `prepare` those that extract pages, each with a child; else those that train."""
    if command == "prepare":
        return any(map(extracts, descendants(process)))
    return bool(list((work / "records" / "runs").glob("*.parquet")))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
@pytest.mark.parametrize("command", ["prepare", "swarm", "recommend"])
def test_nothing_is_left(tiny, prepared, command, how):
    work = tiny / f"stopped_{command}_{how.name}"
    if command != "prepare":
        shutil.copytree(prepared, work)
    process = started(tiny, command, work)
    deadline = time.monotonic() + 90
    while not at_work(process, work, command):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    others = descendants(process)
    assert len(others) >= 2
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal sends it
    else:
        process.send_signal(how)
    said = process.communicate(timeout=PATIENCE)[1]
    deadline = time.monotonic() + PATIENCE
    while alive := list(filter(is_alive, others)):
        assert time.monotonic() < deadline, [other.cmdline() for other in alive]
        time.sleep(0.1)
    if how == signal.SIGKILL:
        assert process.returncode == -how
        return
    assert process.returncode == 128 + how
    *progress, last = said.splitlines()
    assert last == "mixwright: stopped — the same command goes on where it was"
    assert all(" done " in line or " of " in line for line in progress), said
