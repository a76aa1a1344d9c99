"""Records and catalog under load, and at a size that no test has.

    .venv/bin/python benchmarks/records.py many EXP.yaml   # 8 writers and 8 readers for 60 s on a finished experiment
    .venv/bin/python benchmarks/records.py large           # records of 100,000 shards and 100 M documents
    .venv/bin/python benchmarks/records.py ranks           # 100,000 empty ranks through the local executor

`many` works on a copy. In `large`, files of ranks are hard links to a few real ones: they take little room and are read
as 100,000 files are. `ranks` counts processor seconds of the driver and its processes.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import yaml

READ = """
import sys, time
from pathlib import Path
from flows.catalog.query import query_catalog
took, end = [], time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    for query in ("from recommendations", "from funnel_by_stage", "select count(*) from documents"):
        started = time.perf_counter()
        query_catalog(Path(sys.argv[1]), query)
        took.append(time.perf_counter() - started)
print(*took)
"""
WRITE = """
import dataclasses, sys, time
from pathlib import Path
from flows.catalog.record import record_recommendation
from flows.experiment import load_experiment
from flows.recommended import find_recommendation
experiment = load_experiment(Path(sys.argv[1]))
recommended = find_recommendation(experiment)
swarm = next((experiment.records / "recommendations").iterdir()).name
took, end = [], time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    started = time.perf_counter()
    made = dataclasses.replace(recommended.recommendation, id=f"recommendation-{sys.argv[2]}x{len(took)}")
    record_recommendation(experiment, recommended.pool.folder.name, swarm, made, [])
    took.append(time.perf_counter() - started)
print(*took)
"""


def many(experiment: Path, seconds: float, each: int) -> None:
    """Writers and readers at once; how many failed, and how long queries and records took."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(experiment.parent, Path(scratch) / "copy"))
        work = folder / yaml.safe_load(experiment.read_text()).get("work", f"work/{experiment.stem}")
        calls = [("-c", WRITE, experiment.name, str(name), str(seconds)) for name in range(each)]
        calls += [("-c", READ, str(work / "catalog.duckdb"), str(seconds)) for _ in range(each)]
        heard = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        processes = [subprocess.Popen([sys.executable, *call], cwd=folder, **heard) for call in calls]
        ended = [process.communicate() for process in processes]
    failed = [heard for process, (_, heard) in zip(processes, ended, strict=True) if process.returncode]
    print(f"{len(failed)} of {len(processes)} processes failed", *failed[:1])
    for name, part in (("records", ended[:each]), ("queries", ended[each:])):
        took = np.array([float(word) for out, _ in part for word in out.split()])
        p50, p99 = np.percentile(took, [50, 99])
        print(f"{name}: {len(took):,}, p50 {p50:.3f} s, p99 {p99:.3f} s, longest {took.max():.3f} s")


def large(ranks: int, rows: int, steps: int) -> None:
    """Record a pool of many ranks, and query it."""
    from flows.catalog.query import query_catalog
    from flows.catalog.record import record_pool
    from flows.experiment import load_experiment

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        stages = _large_stages(folder / "work" / "stages", ranks, rows, steps)
        (folder / "a.jsonl").write_text('{"text": "a"}\n')
        content = {
            "sources": {"web": {"path": "a.jsonl", "format": "jsonl"}},
            "decontaminate": {"enabled": False},
            "work": "work",
        }
        (folder / "e.yaml").write_text(yaml.safe_dump(content))
        experiment = load_experiment(folder / "e.yaml")
        _timed(f"record_pool: {ranks:,} ranks, {steps} steps", lambda: record_pool(experiment, stages))
        for query in ("from funnel_by_stage", "select count(*) from documents",
                      "select domain, bucket, count(*), sum(tokens) from documents group by all"):  # fmt: skip
            _timed(query, lambda query=query: print(query_catalog(experiment.catalog, query).head(2)))
        print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def _timed(name: str, work) -> None:
    used, started = time.process_time(), time.monotonic()
    work()
    print(f"{name}: {time.monotonic() - started:.2f} s, {time.process_time() - used:.2f} processor seconds")


def _large_stages(root: Path, ranks: int, rows: int, steps: int) -> dict[str, Path]:
    """Finished stages `filter`, `tokenise` and `pool`, as far as records need them."""
    from flows.catalog.pool_rows import STEPS
    from pipeline.store.documents import write_parquet
    from pipeline.store.funnel import FUNNEL_SCHEMA

    folders = {name: root / f"{name}-000000000000" for name in ("filter", "tokenise", "pool")}
    for name, folder in folders.items():
        folder.mkdir(parents=True)
        (folder / "stage.json").write_text(json.dumps({"name": name, "inputs": [], "files": {}}))
    for step in STEPS[:steps]:
        reasons = [(step, "web", reason, 7, 700, 600) for reason in ("kept", "too short", "too long")]
        frame = pl.DataFrame(reasons, schema=FUNNEL_SCHEMA, orient="row")
        write_parquet(frame, folders["filter"] / "funnel" / step / "00000.parquet")
        _linked(folders["filter"] / "funnel" / step / "00000.parquet", ranks)
    _empty_samples(folders["filter"])
    numbers = np.arange(rows)
    constant = {"source": "web", "split": "train", "url": "", "date": "", "license": "", "text": "", "quality": 0.5,
                "topic": None, "topic_score": None, "bytes": 4_000, "tokens": 1_000}  # fmt: skip
    ids, domains = [f"{number:012d}" for number in numbers], [f"web/{number % 24}" for number in numbers]
    documents = pl.DataFrame({"id": ids, "domain": domains, "bucket": numbers % 20, **constant})
    write_parquet(documents, folders["tokenise"] / "pool" / "00000.parquet")
    _linked(folders["tokenise"] / "pool" / "00000.parquet", ranks)
    sources = {f"web/{number}": "web" for number in range(24)}
    files = [
        {"domain": name, "split": split, "file": "a", "documents": 1, "bytes": 1, "tokens": 1}
        for name in sources
        for split in ("train", "validation")
    ]
    manifest = {"tokens": folders["tokenise"].name, "end": "<end>", "sources": sources, "files": files}
    (folders["pool"] / "manifest.json").write_text(json.dumps(manifest))
    return folders


def _empty_samples(folder: Path) -> None:
    """The tables that a catalog's views read, without rows."""
    from flows.catalog.tables.files import OVER_FILES
    from pipeline.store.documents import write_parquet

    for place, name in (("dropped/read", "dropped"), ("refused", "refused")):
        columns = OVER_FILES[name].columns
        kinds = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "BOOLEAN": pl.Boolean}
        frame = pl.DataFrame(schema={column: kinds[kind] for column, (kind, _) in columns.items()})
        write_parquet(frame, folder / place / "00000.parquet")


def _linked(first: Path, ranks: int) -> None:
    """Links to a file under the names of all other ranks; a new copy where a file has as many names as it may."""
    for rank in range(1, ranks):
        if rank % 30_000 == 0:
            first = Path(shutil.copy(first, first.with_name(f"{rank:05d}.parquet")))
        else:
            os.link(first, first.with_name(f"{rank:05d}.parquet"))


def run_ranks(ranks: int, workers: int) -> None:
    """Empty ranks through the executor, as a stage runs them."""
    from empty_step import Nothing

    from pipeline.executor.run import run_steps
    from pipeline.executor.settings import ExecutorSettings

    seen: dict[int, float] = {}  # process → processor seconds
    peak, ended = [0], threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not ended.wait(1):
            peak[0] = max(peak[0], own.memory_info().rss)
            for process in [own, *own.children(recursive=True)]:
                with suppress(psutil.Error):
                    times = process.cpu_times()
                    seen[process.pid] = times.user + times.system

    threading.Thread(target=watch, daemon=True).start()
    reports: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        settings = ExecutorSettings(workers=workers)
        run_steps("filter", [Nothing()], ranks, Path(folder), settings, lambda done, _: reports.append(done))
        seconds = time.monotonic() - started
        ended.set()
    driver = seen.pop(os.getpid())
    print(
        f"{ranks:,} empty ranks, {workers} workers: {seconds:.0f} s, {1e3 * seconds / ranks:.2f} ms each; processor "
        f"seconds: driver {driver:.0f}, its workers {sum(seen.values()):.0f}; driver's memory {peak[0] / 1e6:.0f} MB, "
        f"{len(reports)} reports"
    )


def main() -> None:
    """Run what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("many", "large", "ranks"))
    parser.add_argument("experiment", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--ranks", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000, help="documents of a rank")
    parser.add_argument("--steps", type=int, default=10, help="steps of the funnel")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.what == "many":
        many(given.experiment, given.seconds, given.each)
    elif given.what == "large":
        large(given.ranks, given.rows, given.steps)
    else:
        run_ranks(given.ranks, given.workers)


if __name__ == "__main__":
    main()
