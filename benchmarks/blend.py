"""What a blend costs, and whether it means what a swarm means by a mix. Needs a finished experiment.

    .venv/bin/python benchmarks/blend.py speed    # every format, `cp` of the same bytes, datatrove's writer and merger
    .venv/bin/python benchmarks/blend.py memory   # peak of the sum of PSS at 1 × and 10 × the pool
    .venv/bin/python benchmarks/blend.py shares   # realised shares against the recommendation
    .venv/bin/python benchmarks/blend.py proxies  # proxies on a blend, and on the mix drawn from the pool

A larger pool is the experiment's own several times over, its documents under new ids.
"""

import argparse
import contextlib
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
from peak_memory import tree_pss
from rich.console import Console
from rich.table import Table

from flows.experiment import load_experiment
from flows.recommended import Recommended, find_recommendation
from mixes.proxy.tokens import DomainTokens, Member
from pipeline.blend.blend import write_blend
from pipeline.blend.formats.registry import FORMATS
from pipeline.blend.manifest import read_manifest
from pipeline.blend.plan import Plan, Request
from pipeline.executor.settings import ExecutorSettings
from pipeline.pool.pool import TRAIN, Pool

COPIES = 10  # of the pool, for timings
ID_DIGITS = 24
SHARD = 3_400_000  # tokens of a shard
SALT = 0x9E3779B97F4A7C15F39CC060


def grow(pool: Pool, copies: int, folder: Path, apart: bool = False) -> Path:
    """The pool several times over, each copy's documents under new ids; in files that are as many times as long, or
    `apart` in as many times as many files."""
    files, ranks = [], sorted((pool.tokenised / "pool").glob("*.parquet"))
    tokenised, grown = folder / pool.tokenised.name, folder / pool.folder.name
    (tokenised / "pool").mkdir(parents=True)
    together = 1 if apart else copies
    for number in range(len(ranks) * (copies if apart else 1)):
        table, name = ranks[number % len(ranks)], f"{number:05d}"
        first = number // len(ranks)
        frame = pl.read_parquet(table)
        parts = []
        for copy in range(first, first + together):
            salt = copy * SALT % (1 << 4 * ID_DIGITS)
            ids = [f"{int(given, 16) ^ salt:0{ID_DIGITS}x}" for given in frame["id"]]
            parts.append(frame.with_columns(id=pl.Series(ids)))
        pl.concat(parts).write_parquet(tokenised / "pool" / f"{name}.parquet", row_group_size=1_000)
        (tokenised / "tokens" / name).mkdir(parents=True)
        for file in pool.manifest["files"]:
            rank, _, base = file["file"].partition("/")
            if rank == table.stem:
                content = (pool.tokenised / "tokens" / file["file"]).read_bytes() * together
                (tokenised / "tokens" / name / base).write_bytes(content)
                counts = {count: file[count] * together for count in ("documents", "bytes", "tokens")}
                digest = hashlib.sha256(content).hexdigest()
                files.append({**file, **counts, "file": f"{name}/{base}", "sha256": digest})
    grown.mkdir()
    (grown / "manifest.json").write_text(json.dumps({**pool.manifest, "files": files}))
    shutil.copy(pool.folder / "tokenizer.json", grown)
    return grown


def write_one(pool: Pool, mix: dict[str, float], tokens: int, name: str, folder: Path, workers: int) -> None:
    """One blend, without Prefect and without a catalog."""
    request = Request("benchmark", "benchmark", mix, tokens, name, 0, SHARD, None, {})
    write_blend(Plan(request, pool), folder, ExecutorSettings(workers=workers), lambda _, work: work(lambda *_: None))


def in_a_child(*words: object) -> tuple[float, float, float]:
    """Run this program again; seconds, processor seconds, and the peak of the sum of PSS in MB."""
    before, began, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), [0.0]
    process = subprocess.Popen([sys.executable, __file__, "one", *map(str, words)])

    def watch() -> None:
        while process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                peak[0] = max(peak[0], tree_pss(psutil.Process(process.pid)))
            time.sleep(0.05)

    watcher = threading.Thread(target=watch)
    if words[-1] == "watched":
        watcher.start()
    process.wait()
    if words[-1] == "watched":
        watcher.join()
    assert process.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, used, peak[0] / 1e6


def datatrove_shuffled(pool: Pool, folder: Path) -> None:
    """The same documents by datatrove's own parts: its writer per file of the pool, shuffled, and its merger."""
    from datatrove.pipeline.tokens.merger import DocumentTokenizerMerger
    from datatrove.pipeline.tokens.tokenizer import TokenizedFile

    draw, width = np.random.default_rng(0), 2
    for table in sorted((pool.tokenised / "pool").glob("*.parquet")):
        rows = pl.read_parquet(table, columns=["domain", "bucket", "split", "tokens"]).filter(pl.col("split") == TRAIN)
        first = TokenizedFile(str(folder / "unshuffled"), f"{table.stem}.ds", token_size=width)
        for file in pool.manifest["files"]:
            if file["split"] == TRAIN and file["file"].startswith(f"{table.stem}/"):
                own = rows.filter((pl.col("domain") == file["domain"]) & (pl.col("bucket") == file["bucket"]))
                with (pool.tokenised / "tokens" / file["file"]).open("rb") as ids:
                    for tokens in own["tokens"]:
                        first.write_bytes(ids.read(tokens * width))
        first.close()
        first.copy(f"{table.stem}", draw.permutation(len(first.doc_ends)), str(folder / "shuffled"), rank=0).close()
        first.cleanup()
    list(
        DocumentTokenizerMerger(
            str(folder / "shuffled"), str(folder / "merged"), "blend", max_tokens_per_file=SHARD, seed=0,
            progress=False,
        ).run() or ()
    )  # fmt: skip


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def show(title: str, head: list[str], rows: list[list[str]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


def speed(recommended: Recommended, folder: Path) -> None:
    """Processor seconds of every format, one worker; a blend of all tokens once."""
    grown = Pool(grow(recommended.pool, COPIES, folder / "grown"))
    tokens = sum(domain.tokens for domain in grown.domains.values())
    (folder / "mix.json").write_text(json.dumps(grown.natural))
    rows = []
    for name in FORMATS:
        out = folder / name
        seconds, used, _ = in_a_child("blend", grown.folder, folder / "mix.json", tokens, name, out, 1)
        written = size_of(out)
        rows.append(
            [name, f"{tokens / used:,.0f}", f"{written / used / 1e6:,.0f}", f"{seconds:.1f}", f"{written / 1e6:,.0f}"]
        )
    for name in ("jsonl", "megatron"):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(["cp", "-r", folder / name, folder / f"{name}-copied"], check=True)
        after, written = resource.getrusage(resource.RUSAGE_CHILDREN), size_of(folder / name)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        seconds = time.monotonic() - began
        rows.append(
            [
                f"cp of {name}",
                f"{tokens / used:,.0f}",
                f"{written / used / 1e6:,.0f}",
                f"{seconds:.1f}",
                f"{written / 1e6:,.0f}",
            ]
        )
    seconds, used, _ = in_a_child("datatrove", grown.folder, folder / "datatrove-own")
    written = size_of(folder / "datatrove-own" / "merged")
    rows.append(
        [
            "datatrove's writer + merger",
            f"{tokens / used:,.0f}",
            f"{written / used / 1e6:,.0f}",
            f"{seconds:.1f}",
            f"{written / 1e6:,.0f}",
        ]
    )
    head = ["format", "tokens/s of processor", "MB/s of processor", "seconds", "MB written"]
    show(f"A blend of {tokens:,} tokens, one worker, start of Python included", head, rows)


def memory(recommended: Recommended, folder: Path) -> None:
    """Peak memory of a blend of all tokens once, two workers."""
    rows = []
    for copies, apart, title in ((1, True, "1 ×"), (10, True, "10 × the files"), (10, False, "files 10 × as long")):
        grown = Pool(grow(recommended.pool, copies, folder / title, apart))
        tokens = sum(domain.tokens for domain in grown.domains.values())
        (folder / "mix.json").write_text(json.dumps(grown.natural))
        for name in ("jsonl", "parquet", "megatron", "mds"):
            out = folder / name
            seconds, _, peak = in_a_child("blend", grown.folder, folder / "mix.json", tokens, name, out, 2, "watched")
            rows.append([name, title, f"{tokens:,}", f"{peak:,.0f}", f"{seconds:.1f}"])
            shutil.rmtree(out)
    rows.sort(key=lambda row: row[0])
    show("Peak of the sum of PSS, two workers", ["format", "pool", "tokens", "MB", "seconds"], rows)


def shares(recommended: Recommended, folder: Path) -> None:
    """Realised shares at several sizes."""
    mix, pool, rows = recommended.recommendation.mix, recommended.pool, []
    for tokens in (1_000_000, 10_000_000, 30_000_000):
        out = folder / str(tokens)
        write_one(pool, mix, tokens, "megatron", out, 2)
        manifest = read_manifest(out, "")
        worst = max(manifest.domains, key=lambda row: abs(row.share - row.weight))
        missing = 1 - manifest.tokens / tokens
        rows.append([f"{tokens:,}", worst.domain, f"{abs(worst.share - worst.weight):.4%}", f"{missing:.4%}"])
    show("Realised shares of the recommended mix", ["tokens", "worst domain", "off by", "tokens missing"], rows)


def proxies(recommended: Recommended, experiment: Any, folder: Path, seeds: int) -> None:
    """The same proxies, trained on a blend of the recommended mix and by drawing it from the pool."""
    from flows.candidates import make_suite
    from mixes.proxy.train import train_cohort
    from pipeline.suite import suite_families
    from pipeline.train.checkpoint_scores import start_of
    from pipeline.train.cohort import CohortTrainer
    from pipeline.train.setup import Evidence

    mix, pool = recommended.recommendation.mix, recommended.pool
    proxy = start_of(experiment.proxy, experiment.corpus)
    evidence = Evidence(pool.folder, make_suite(experiment, experiment.corpus.stages, pool.folder), proxy)
    write_one(pool, mix, 4 * proxy.trained, "olmo-core", folder / "blend", 2)
    trainer = CohortTrainer(evidence, folder / "records", folder)
    blend = DomainTokens("blend", sorted((folder / "blend").glob("*.npy")), proxy.context, None, pool.vocabulary)
    ways = {"pool": (mix, trainer.streams[TRAIN]), "blend": ({"blend": 1.0}, {"blend": blend})}
    targets = {}
    families = suite_families(evidence.suite)
    for way, (weights, streams) in ways.items():
        for seed in range(100, 100 + seeds):
            trained = train_cohort(proxy, [Member(weights, seed)], streams, pool.vocabulary)
            scores = trainer.score(trained.proxies)[0].filter(pl.col("kind") == "task")
            by_family = scores.group_by("family").agg(pl.col("bpb").mean())
            targets[way, seed] = {**dict(by_family.iter_rows()), "target": by_family["bpb"].mean()}
    rows = []
    for name in [*sorted(set(families.values())), "target"]:
        own = {way: np.array([targets[way, seed][name] for seed in range(100, 100 + seeds)]) for way in ways}
        noise = float(np.sqrt(sum(values.var(ddof=1) for values in own.values()) / 2))
        difference = float(own["blend"].mean() - own["pool"].mean())
        error = noise * float(np.sqrt(2 / seeds))
        rows.append(
            [
                name,
                f"{own['pool'].mean():.4f}",
                f"{own['blend'].mean():.4f}",
                f"{difference:+.4f}",
                f"{error:.4f}",
                f"{noise:.4f}",
            ]
        )
    head = ["family", "drawn from the pool", "on the blend", "difference", "its standard error", "noise of a seed"]
    show(f"bpb of {seeds} proxies each, {proxy.trained:,} tokens", head, rows)


def one(words: list[str]) -> None:
    """A child's work."""
    kind, *rest = words
    if kind == "datatrove":
        datatrove_shuffled(Pool(Path(rest[0])), Path(rest[1]))
        return
    pool, mix, tokens, name, out, workers = rest[:6]
    write_one(Pool(Path(pool)), json.loads(Path(mix).read_text()), int(tokens), name, Path(out), int(workers))


def main() -> None:
    """Run what is asked for."""
    if sys.argv[1:2] == ["one"]:
        one(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory", "shares", "proxies"])
    parser.add_argument("--experiment", type=Path, default=Path("experiments/sample.yaml"))
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    experiment = load_experiment(given.experiment)
    recommended = find_recommendation(experiment)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "build")) as folder:
        if given.what == "proxies":
            proxies(recommended, experiment, Path(folder), given.seeds)
        else:
            {"speed": speed, "memory": memory, "shares": shares}[given.what](recommended, Path(folder))


if __name__ == "__main__":
    main()
