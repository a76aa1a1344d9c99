"""The runs of all sizes that a work folder holds of one pool and suite."""

import json

import polars as pl
import pytest

from mixes.errors import MixError
from mixes.runs import Size
from pipeline.train.ladder import runs_of_all_sizes


def record(folder, run: str, code: float, size: str, tokens: int, **changed) -> None:
    weights = json.dumps({"code": code, "web": 1 - code})
    row = {"run": run, "mix": "mix-000", "seed": 3, "pool": "pool-1", "suite": "suite-1", "size": size,
           "tokens": tokens, "status": "trained", "weights": weights, **changed}  # fmt: skip
    for table, rows in (("runs", [row]), ("scores", [{"kind": "task", "task": "mbpp", "bpb": 1 + code},
                                                     {"kind": "validation", "task": "web", "bpb": 2.0}])):  # fmt: skip
        (folder / table).mkdir(exist_ok=True)
        pl.DataFrame(rows).write_parquet(folder / table / f"{run}.parquet")


def test_runs_of_other_sizes_are_evidence(tmp_path):
    notes: list[str] = []
    for number, (code, size) in enumerate(((0.1, "200k"), (0.5, "200k"), (0.1, "1M"), (0.4, "1M"), (0.4, "4M"))):
        record(tmp_path, f"run-{number}", code, size, 1_000_000)
    record(tmp_path, "run-5", 0.2, "1M", 1_000_000, pool="pool-2")
    record(tmp_path, "run-6", 0.2, "1M", 1_000_000, status="diverged")
    record(tmp_path, "run-7", 0.2, "1M", 1_000_000)
    runs, seeds = runs_of_all_sizes(tmp_path, "pool-1", "suite-1", notes.append, frozenset({"run-7"}))
    assert runs.ids == ("run-0", "run-1", "run-2", "run-3")
    assert runs.sizes == (Size(200e3, 1e6), Size(1e6, 1e6))
    assert runs.mixes[0] == runs.mixes[2] != runs.mixes[1]
    assert runs.scores().tolist() == [[1.1, 1.5, 1.1, 1.4]]
    assert seeds["run-3"] == 3
    assert notes == ["the proxies of 4M:1M have a single mix and are left out"]
    with pytest.raises(MixError, match="no size of proxies over pool-3 has two mixes"):
        runs_of_all_sizes(tmp_path, "pool-3", "suite-1", notes.append)
