"""A swarm that is killed in the middle goes on with what is missing, and ends as if nothing had happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import polars as pl
import yaml
from support import ROOT, mixwright


def test_kill_in_mid_swarm_then_resume(tiny, finished):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "killed.yaml").write_text(yaml.safe_dump({**content, "work": "killed"}))
    shutil.copytree(tiny / "work" / "stages", tiny / "killed" / "stages")  # the pool is another test's business
    records = tiny / "killed" / "records" / "runs"
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "recommend", "killed.yaml", "--json"], cwd=tiny, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(list(records.glob("*.parquet"))) < 3:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path.name: path.stat().st_mtime_ns for path in records.glob("*.parquet")}
    assert 3 <= len(before) < 15
    again = json.loads(mixwright("recommend", "killed.yaml", "--json", folder=tiny).stdout)
    assert again == finished
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in records.glob("*.parquet")}.items()
    scored = sorted((tiny / "killed" / "records" / "scores").glob("*.parquet"))
    assert len(scored) == len(list(records.glob("*.parquet"))) == 15
    for path in scored:
        assert pl.read_parquet(path).equals(pl.read_parquet(tiny / "work" / "records" / "scores" / path.name))
