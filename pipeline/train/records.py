"""Reads what proxies scored: immutable records, named by the runs' ids."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from mixes.errors import MixError
from mixes.runs import Run, Runs
from mixes.swarm import Candidate
from pipeline.store.seal import is_whole_table
from pipeline.train.setup import Evidence

TRAINED, DIVERGED = "trained", "diverged"
MOST_DIVERGED = 0.05  # share of the runs that may have diverged, and one may (assumed: more is the settings' fault)


TABLES = ("runs", "scores", "items")  # of one run


def is_recorded(records: Path, run: str) -> bool:
    """Whether a run has ended; its row in `runs` is written after all else."""
    return (records / "runs" / f"{run}.parquet").exists()


def forget_damaged(records: Path, runs: Iterable[str], note: Callable[[str], None]) -> None:
    """Delete the records of those runs of which a file is damaged, so that they are trained again: to the same
    scores."""
    for run in runs:
        damaged = [table for table in TABLES if not is_whole_table(records / table / f"{run}.parquet")]
        if damaged and is_recorded(records, run):
            note(f"records/{damaged[0]}/{run}.parquet is damaged: the proxy is trained again")
            (records / "runs" / f"{run}.parquet").unlink()


def read_runs(evidence: Evidence, candidates: Sequence[Candidate], records: Path) -> Runs:
    """The candidates' records as evidence for the laws; proxies that diverged are left out (`diverged_runs`).

    Raises:
        MixError: a candidate has no record, or too many diverged.
    """
    runs, odd = [], diverged_runs(evidence, candidates, records)
    if len(odd) > max(1, MOST_DIVERGED * len(candidates)):
        run, candidate = next(iter(odd.items()))
        raise MixError(
            f"swarm: {len(odd)} of {len(candidates)} proxies diverged, twice each ({run} on mix {candidate.mix!r} "
            f"first) — lower proxy.learning_rate ({evidence.proxy.learning_rate:g})"
        )
    for candidate in candidates:
        run = evidence.run_id(candidate)
        if run not in odd:
            scores = read_record(records / "scores" / f"{run}.parquet").filter(pl.col("kind") == "task")
            runs.append(Run(run, candidate.mix, candidate.weights, dict(scores.select("task", "bpb").iter_rows())))
    return Runs(tuple(runs))


def diverged_runs(evidence: Evidence, candidates: Sequence[Candidate], records: Path) -> Mapping[str, Candidate]:
    """Run id → candidate of the proxies whose loss rose or became no number, at the rate and at half of it.

    Raises:
        MixError: a candidate has no record.
    """
    odd = {}
    for candidate in candidates:
        run = evidence.run_id(candidate)
        if not is_recorded(records, run):
            raise MixError(f"swarm: run {run} of mix {candidate.mix} is missing — run `mixwright swarm` first")
        if _row(records, run)["status"] == DIVERGED:
            odd[run] = candidate
    return odd


def slowed_runs(evidence: Evidence, candidates: Sequence[Candidate], records: Path) -> dict[str, Candidate]:
    """Run id → candidate of the proxies that learned at half the rate only: their scores are evidence like others'."""
    rows = {evidence.run_id(candidate): candidate for candidate in candidates}
    return {
        run: candidate
        for run, candidate in rows.items()
        if (row := _row(records, run))["status"] != DIVERGED and row["attempt"] > 1
    }


def read_record(file: Path) -> pl.DataFrame:
    """A record that is whole.

    Raises:
        MixError: it is damaged.
    """
    if not is_whole_table(file):
        raise MixError(f"swarm: {file} is missing or damaged — `mixwright swarm` trains that proxy again")
    return pl.read_parquet(file)


def _row(records: Path, run: str) -> dict:
    return read_record(records / "runs" / f"{run}.parquet").row(0, named=True)
