"""What near deduplication removes of documents that are written for a test."""

from pathlib import Path

import polars as pl

from pipeline.dedup.near import NearSettings, find_near
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings
from pipeline.store.documents import SCHEMA, content_hash, write_rows

OLMO = NearSettings()


def corpus(folder: Path, documents: list[tuple[str, str, str]], files: int = 3) -> Path:
    """A stage's folder of (id, date, text), dealt into files."""
    for file in range(files):
        rows = [
            {"id": id, "source": "x", "url": "", "date": date, "hash": content_hash(text), "bytes": len(text),
             "attributes": "{}", "text": text}
            for id, date, text in documents[file::files]
        ]  # fmt: skip
        write_rows(rows, SCHEMA, folder / "documents" / f"{file:05d}.parquet")
    return folder


def run_in(folder: Path, workers: int = 1):
    def run(name, steps, ranks):
        run_steps("deduplicate", steps, ranks, folder / "logs" / name, ExecutorSettings(workers=workers))

    return run


def near(
    filtered: Path, folder: Path, partitions: int = 2, lost: tuple[Path, ...] = (), settings=OLMO, workers: int = 1
):
    """What `find_near` removes."""
    find_near(filtered, lost, settings, partitions, folder, run_in(folder, workers))
    return pl.read_parquet(folder / "near" / "*.parquet").sort("id")


def removed(table: pl.DataFrame) -> dict[str, str]:
    """Removed id → kept id."""
    return dict(table.select("id", "kept").iter_rows())
