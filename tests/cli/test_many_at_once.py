"""Several processes in one work folder: identical work is done once, different work is recorded, no reader fails."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from support import ROOT, changed, mixwright

TARGETS = (
    ("sciq=1",),
    ("piqa=1",),
    ("codex_humaneval=1", "piqa=1"),
    *((f"sciq={n}", "piqa=1") for n in (2, 3, 4, 5, 6)),
)
READ = """
import sys, time
from pathlib import Path
from flows.catalog.query import query_catalog
end, count = time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < end:
    assert len(query_catalog(Path(sys.argv[1]), "from recommendations"))
    assert len(query_catalog(Path(sys.argv[1]), "from funnel_by_stage"))
    count += 1
print(count)
"""
WRITE = """
import dataclasses, sys, time
from pathlib import Path
from flows.catalog.query import query_catalog
from flows.catalog.record import record_recommendation
from flows.experiment import load_experiment
from flows.recommended import find_recommendation
experiment = load_experiment(Path("experiment.yaml"))
recommended = find_recommendation(experiment)
swarm, most = sys.argv[1], int(sys.argv[4])
end, count = time.monotonic() + float(sys.argv[3]), 0
while time.monotonic() < end:
    made = dataclasses.replace(recommended.recommendation, id=f"recommendation-{sys.argv[2]}x{count % most}")
    record_recommendation(experiment, recommended.pool.folder.name, swarm, made, [])
    query = "from recommendations where recommendation = $1"
    assert len(query_catalog(experiment.catalog, query, [made.id])) == 1, "it is not there"
    count += 1
print(count)
"""


def start(*words: str, folder: Path, code: str | None = None) -> subprocess.Popen:
    command = ["-c", code] if code else ["-m", "flows.cli"]
    return subprocess.Popen(
        [sys.executable, *command, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def ended(process: subprocess.Popen) -> tuple[str, str]:
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out, err


def contents(folder: Path) -> dict[str, bytes]:
    """Stages' files, without logs and what says when and how long."""
    stages = folder / "work" / "stages"
    return {
        path.relative_to(stages).as_posix(): path.read_bytes()
        for path in sorted(stages.glob("[!.]*/**/*"))
        if path.is_file() and "/logs/" not in path.as_posix()
    }


def test_two_runs_of_one_experiment_do_the_work_once(shards, whole_run, tmp_path):
    folder = Path(shutil.copytree(shards, tmp_path / "both"))
    runs = [start("recommend", "experiment.yaml", "--json", folder=folder) for _ in range(2)]
    (first, heard), (second, also_heard) = (ended(run) for run in runs)
    assert json.loads(first) == json.loads(second) == json.loads((whole_run / "finished.json").read_text())
    assert "another process is at it: waiting" in heard + also_heard
    made, alone = contents(folder), contents(whole_run)
    assert made.keys() == alone.keys()
    assert [name for name in made if made[name] != alone[name] and "model" not in name] == []
    records = [path.name for path in (folder / "work" / "records" / "runs").iterdir()]
    assert len(records) == 15
    logs = folder / "work" / "logs"
    marks = [path for path in logs.rglob("completions/*")]
    assert len(marks) == len({path.name for path in marks}), "a cohort was trained by both"
    assert not list((folder / "work").rglob("*.owner"))


def test_eight_targets_at_once_are_all_recorded(tiny, finished, tmp_path):
    words = [[word for one in target for word in ("--target", one)] for target in TARGETS]
    ask = ("recommend", "experiment.yaml", "--json")
    together, alone = (Path(shutil.copytree(tiny, tmp_path / name)) for name in ("together", "alone"))
    asked = [start(*ask, *target, folder=together) for target in words]
    ids = [json.loads(ended(process)[0])["id"] for process in asked]
    assert len(set(ids)) == 8
    for target, made in list(zip(words, ids, strict=True))[::3]:  # one by one, each has the same
        assert json.loads(mixwright(*ask, *target, folder=alone).stdout)["id"] == made
    query = "select recommendation, number, current, settings from recommendations order by number"
    rows = json.loads(mixwright("sql", "experiment.yaml", query, "--json", folder=together).stdout)
    assert {row["recommendation"] for row in rows} == {*ids, finished["id"]}
    assert [row["number"] for row in rows] == list(range(1, 10))
    assert all(row["current"] for row in rows)


def test_a_run_while_gc_deletes(whole_run, tmp_path):
    folder = Path(shutil.copytree(whole_run, tmp_path / "both"))
    stages = folder / "work" / "stages"
    for number in range(3):
        shutil.copytree(next(stages.glob("filter-*")), stages / f"filter-00000000000{number}")
    other = changed(folder, "other", "pool", "validation_share", value=0.06)
    run = start("prepare", other, folder=folder)
    for _ in range(3):
        mixwright("gc", "experiment.yaml", "--delete", folder=folder)
    ended(run)
    mixwright("gc", "experiment.yaml", "--delete", folder=folder)
    assert not list(stages.glob("filter-00000000000*"))
    for file in ("experiment.yaml", other):
        assert "finished" in mixwright("status", file, folder=folder).stdout
    mixwright("run", "experiment.yaml", folder=folder)


def test_readers_and_writers(tiny, finished):
    (swarm,) = (path.name for path in (tiny / "work" / "records" / "recommendations").iterdir())
    writers = [start(swarm, str(name), "3", "1000", folder=tiny, code=WRITE) for name in range(8)]
    readers = [start("work/catalog.duckdb", "3", folder=tiny, code=READ) for _ in range(8)]
    assert all(int(ended(reader)[0]) for reader in readers)
    written = sum(int(ended(writer)[0]) for writer in writers)
    assert written >= 8
    query = "select count(*) as n, count(distinct number) as numbers from recommendations"
    (row,) = json.loads(mixwright("sql", "experiment.yaml", query, "--json", folder=tiny).stdout)
    assert row == {"n": written + 1, "numbers": written + 1}


def test_what_is_asked_again_while_others_build_the_catalog(tiny, finished):
    """Its earlier records go away under their builds."""
    (swarm,) = (path.name for path in (tiny / "work" / "records" / "recommendations").iterdir())
    query = "select count(*) as n from recommendations where recommendation not like '%-same%'"
    (before,) = json.loads(mixwright("sql", "experiment.yaml", query, "--json", folder=tiny).stdout)
    writers = [start(swarm, "same", "3", "3", folder=tiny, code=WRITE) for _ in range(4)]
    assert all(int(ended(writer)[0]) for writer in writers)
    (after,) = json.loads(mixwright("sql", "experiment.yaml", query, "--json", folder=tiny).stdout)
    assert after == before
    listed = mixwright("sql", "experiment.yaml", "select recommendation from recommendations", folder=tiny).stdout
    assert listed.count("-same") in (1, 2, 3)
