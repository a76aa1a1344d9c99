"""What tests of several lanes share and is no fixture: where things lie, small files, and the command line."""

import atexit
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np
import yaml
import zstandard
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "build" / "sample"
DOCUMENTS = {"code": 40, "science": 250, "encyclopedia": 900, "books": 60}  # taken of each source


def read_lines(path: Path, most: int | None = None) -> list[dict]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as unpacked:
        rows = unpacked.read().splitlines()
    return [json.loads(row) for row in rows[:most]]


def write_lines(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    path.write_bytes(zstandard.ZstdCompressor().compress(content))


def experiment_content() -> dict:
    """A small experiment, as a user would write it."""
    jsonl = {"format": "jsonl", "filters": False}
    return {
        "name": "tiny",
        "work": "work",
        "seed": 3,
        "sources": {
            "web": {"path": "web/*.warc.gz", "format": "warc", "quality": True, "topics": True},
            **{name: {"path": f"{name}/*.jsonl.zst", **jsonl} for name in DOCUMENTS},
        },
        "filters": {"urls": {"builtin": False}},
        "language": {"model": str(SAMPLE / "lid.176.ftz")},
        "quality": {"positives": "good/*.jsonl.zst", "negatives": "web", "folds": 2},
        "topics": {"labelled": "encyclopedia", "folds": 2, "min_bytes": 25_000},
        "pool": {"validation_share": 0.05},
        "tokenizer": {"vocabulary": 512},
        "suite": {"path": "suite.jsonl.zst", "items": 5},
        "proxy": {"size": "100k", "tokens": 8_192, "context": 64, "batch": 8},
        "swarm": {"mixes": 10, "max_epochs": 8, "seeds": 2},
        "recommend": {"replicates": 20},
        "executor": {"workers": 2},
    }


def mixwright(*words: str, folder: Path, expect: int = 0, **extra: str) -> subprocess.CompletedProcess:
    """Run the command line as a user would."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words], cwd=folder, capture_output=True, text=True, timeout=900,
        env={**os.environ, "PYTHONPATH": str(ROOT), **extra}, check=False,
    )  # fmt: skip
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def here(*words: str, folder: Path) -> subprocess.CompletedProcess:
    """Run the command line in this process; its folder, environment and streams are put back."""
    from flows.cli import app, exit_code

    out, err = io.StringIO(), io.StringIO()
    with mock.patch.dict(os.environ), chdir(folder), redirect_stdout(out), redirect_stderr(err):
        code = exit_code(app, words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def said(folder: Path, *words: str) -> str:
    """The one line of a command that must fail."""
    return only_line(mixwright(*words, folder=folder, expect=2))


def said_here(folder: Path, *words: str) -> str:
    """The same without a process of its own: for mistakes that are seen before any work begins."""
    return only_line(here(*words, folder=folder))


def only_line(done: subprocess.CompletedProcess) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("mixwright: ")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    return lines[0]


def changed(tiny, name: str, *place: str, value) -> str:
    """The tiny experiment with one field set, as a file beside it, over the same finished work."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    part = content
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    (tiny / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return f"{name}.yaml"


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder / "it ran"),)


def bytewise() -> Tokenizer:
    """A token a byte, and one that ends documents: every length can be counted by hand."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: number for number, letter in enumerate([*alphabet, "<end>"])}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    return made


def start_server(**extra: str) -> dict:
    """A Prefect server on loopback: its address and process, once it answers.

    Its database lies in memory where the system has such a place. On a slow disk SQLite keeps it waiting, it answers
    500, and runs pile up. For the same reason it may take a minute over a statement.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tempfile.mkdtemp(prefix="prefect-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    patient = {"PREFECT_SERVER_DATABASE_TIMEOUT": "60", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60"}
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"],
        env={**os.environ, **patient, **extra, "PREFECT_HOME": home},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    api = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + 300
    while True:
        try:
            urllib.request.urlopen(f"{api}/health", timeout=2).read()
            return {"api": api, "pid": process.pid}
        except OSError:
            if time.monotonic() > deadline:
                process.kill()
                raise
            time.sleep(0.3)


def made_up(words: int, seed: int, vocabulary: int = 4_000) -> str:
    """A text of words that are none; the commoner ones as much commoner as in English."""
    rng = np.random.default_rng(seed)
    ranks = np.minimum(rng.zipf(1.3, words), vocabulary)
    syllables = ("ba", "ro", "ti", "mu", "se", "lan", "kor", "pi")
    return " ".join("".join(syllables[int(digit)] for digit in f"{rank:o}") for rank in ranks.tolist())
