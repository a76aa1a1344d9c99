"""Tiny real data, cut from the sample that `make sample` builds, and one experiment that is run once for all."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
import zstandard
from fastwarc.warc import ArchiveIterator
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from warcio.warcwriter import WARCWriter

from mixes.proxy.settings import ProxySettings
from pipeline.suite import SuiteSettings, encode_suite
from pipeline.train.setup import Evidence

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "build" / "sample"
DOCUMENTS = {"code": 40, "science": 250, "encyclopedia": 900, "books": 60}  # taken of each source
EVIDENCE_SOURCES = ("books", "code", "science")
EVIDENCE_TASKS = ("sciq", "csqa", "codex_mbpp")
SETTINGS = ProxySettings(size="100k", tokens=8_192, context=64, batch=8)  # of the proxies on `evidence`
TASKS = {"codex_humaneval": 6, "sciq": 6, "piqa": 6}  # items taken of each task


@pytest.fixture(scope="session", autouse=True)
def quiet_prefect(tmp_path_factory):
    """A Prefect home of the tests' own."""
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"


def read_lines(path: Path, most: int | None = None) -> list[dict]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as unpacked:
        rows = unpacked.read().splitlines()
    return [json.loads(row) for row in rows[:most]]


def write_lines(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    path.write_bytes(zstandard.ZstdCompressor().compress(content))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """A folder with a small share of every source, a suite of three tasks, and `experiment.yaml`."""
    assert SAMPLE.exists(), "no sample corpus: run `make sample` first (or `make test`, which does)"
    folder = tmp_path_factory.mktemp("tiny")
    for source, most in DOCUMENTS.items():
        rows = read_lines(SAMPLE / source / "00000.jsonl.zst", most)
        half = len(rows) // 2
        write_lines(folder / source / "a.jsonl.zst", rows[:half])
        write_lines(folder / source / "b.jsonl.zst", rows[half:])
    write_lines(folder / "good" / "a.jsonl.zst", read_lines(SAMPLE / "good_prose" / "00000.jsonl.zst", 300))
    copy_pages(SAMPLE / "web" / "00000.warc.gz", folder / "web" / "a.warc.gz")
    items = read_lines(SAMPLE / "suite.jsonl.zst")
    chosen = [row for task, most in TASKS.items() for row in [r for r in items if r["task"] == task][:most]]
    write_lines(folder / "suite.jsonl.zst", chosen)
    (folder / "experiment.yaml").write_text(yaml.safe_dump(experiment_content()))
    return folder


def copy_pages(source: Path, target: Path) -> None:
    """All pages of a real shard, gzipped one by one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file, target.open("wb") as out:
        writer = WARCWriter(out, gzip=True)
        for record in ArchiveIterator(file, parse_http=False):
            headers = {name: value for name, value in record.headers.items() if name.startswith("WARC-I")}
            page = writer.create_warc_record(
                record.headers["WARC-Target-URI"], "response", payload=record.reader, warc_headers_dict=headers
            )
            writer.write_record(page)


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


@pytest.fixture(scope="session")
def evidence(tmp_path_factory) -> Evidence:
    """A pool of three real domains and a suite of three real tasks, as their stages leave them."""
    assert SAMPLE.exists(), "no sample corpus: run `make sample` first (or `make test`, which does)"
    stages = tmp_path_factory.mktemp("stages")
    texts = {
        name: [row["text"] for row in read_lines(SAMPLE / name / "00000.jsonl.zst", 40)] for name in EVIDENCE_SOURCES
    }
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator((text[:5_000] for found in texts.values() for text in found), trainer)
    files = []
    for name, found in texts.items():
        ids = np.array(tokenizer.encode("<end>".join(text[:3_000] for text in found)).ids, dtype=np.uint16)
        for split, part in zip(("train", "validation"), np.split(ids, [-700]), strict=True):
            at = stages / "tokenised" / "tokens" / f"{name}.{split}.bin"
            at.parent.mkdir(parents=True, exist_ok=True)
            part.tofile(at)
            counts = {"documents": len(found), "bytes": 0, "tokens": len(part)}
            files.append({"domain": name, "split": split, "file": at.name, **counts})
    manifest = {"tokens": "tokenised", "end": "<end>", "sources": {name: name for name in EVIDENCE_SOURCES}}
    (stages / "pool").mkdir()
    (stages / "pool" / "manifest.json").write_text(json.dumps({**manifest, "files": files}))
    tokenizer.save(str(stages / "pool" / "tokenizer.json"))
    (stages / "suite").mkdir()
    rows = read_lines(SAMPLE / "suite.jsonl.zst")
    chosen = [row for task in EVIDENCE_TASKS for row in [row for row in rows if row["task"] == task][:20]]
    write_lines(stages / "suite.jsonl.zst", chosen)
    encode_suite(stages / "suite.jsonl.zst", SuiteSettings(path="", items=5), tokenizer, 0, 64, stages / "suite")
    return Evidence(stages / "pool", stages / "suite", SETTINGS)


@pytest.fixture(scope="session")
def regmix() -> Path:
    """RegMix's public swarm (github.com/sail-sg/regmix, data/), where it is there."""
    folder = Path(os.environ.get("MIXWRIGHT_REGMIX", ROOT.parent / "shared" / "swarms" / "regmix"))
    if not folder.exists():
        pytest.skip("no RegMix swarm: set MIXWRIGHT_REGMIX to a clone's data/ folder")
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[str]:
    """A Prefect server on loopback, which spares every command the start of one of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"],
        env={**os.environ, "PREFECT_HOME": str(tmp_path_factory.mktemp("server"))},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    api = f"http://127.0.0.1:{port}/api"
    try:
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"{api}/health", timeout=2).read()
                break
            except OSError:
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.3)
        yield api
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def served(server, monkeypatch) -> str:
    """Commands of this test talk to the server."""
    monkeypatch.setenv("PREFECT_API_URL", server)
    return server


def mixwright(*words: str, folder: Path, expect: int = 0, **extra: str) -> subprocess.CompletedProcess:
    """Run the command line as a user would."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words], cwd=folder, capture_output=True, text=True, timeout=900,
        env={**os.environ, "PYTHONPATH": str(ROOT), **extra}, check=False,
    )  # fmt: skip
    assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def finished(tiny) -> dict:
    """The tiny experiment run from shards to recommendation, as JSON."""
    return json.loads(mixwright("recommend", "experiment.yaml", "--json", folder=tiny).stdout)
