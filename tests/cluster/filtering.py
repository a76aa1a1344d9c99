"""The stage `filter` over a few real shards, run here or by a driver of its own that may be killed."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml
from support import ROOT, SAMPLE, experiment_content

from flows.experiment import load_experiment
from pipeline.stages.texts import compile_block_list, filter_shards

RANKS = 6  # four real web shards and two of papers
LOCAL = {"kind": "local", "workers": 2}
DRIVER = """
import signal, sys
from pathlib import Path
from flows.experiment import load_experiment
from pipeline.stages.texts import compile_block_list, filter_shards
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
corpus = load_experiment(Path(sys.argv[1])).corpus
filter_shards(corpus, compile_block_list(corpus), lambda done, ranks: None)
"""


def experiment(tiny: Path, folder: Path, executor: dict) -> Path:
    """An experiment file in a folder of its own, over shards that take about a second each."""
    content = experiment_content()
    web = {**content["sources"]["web"], "path": str(SAMPLE / "web" / "0000[0-3].warc.gz")}
    science = {**content["sources"]["science"], "path": str(tiny / "science" / "*.zst")}
    folder.mkdir(exist_ok=True)
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump({**content, "sources": {"web": web, "science": science}, "executor": executor}))
    return path


def filtered(path: Path) -> dict[str, str]:
    """Run the stage here; every Parquet file with its hash."""
    told = []
    corpus = load_experiment(path).corpus
    stage = filter_shards(corpus, compile_block_list(corpus), lambda *done: told.append(done))
    assert told[-1] == (RANKS, RANKS)
    found = sorted(stage.rglob("*.parquet"))
    assert len(list((stage / "documents").glob("*.parquet"))) == RANKS
    return {str(file.relative_to(stage)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def start(path: Path, **env: str) -> subprocess.Popen:
    """The stage in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path)], start_new_session=True, cwd=path.parent,
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)}, stderr=(path.parent / "stderr").open("wb"),
    )  # fmt: skip


def completed(folder: Path) -> dict[str, int]:
    """Ranks that are marked as completed, each with the time of its documents' last change."""
    markers = folder.glob("work/stages/.filter-*/logs/completions/*")
    return {
        marker.name: (marker.parents[2] / "documents" / f"{marker.name}.parquet").stat().st_mtime_ns
        for marker in markers
    }


def kill(process: subprocess.Popen, how: signal.Signals) -> None:
    os.killpg(process.pid, how)
    process.wait(timeout=60)
