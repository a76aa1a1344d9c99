"""A rank that fails: one line with stage, rank, shard, reason and log; `status` lists it; the same command mends it."""

import json
import shutil
from pathlib import Path

from support import here, mixwright


def test_a_rank_that_fails(tiny, finished):
    stages = tiny / "work" / "stages"
    (made,) = stages.glob("filter-*")
    documents = {file.name: file.read_bytes() for file in (made / "documents").iterdir()}
    aside = Path(shutil.move(made, stages / f".{made.name}"))
    (aside / "stage.json").unlink()
    (aside / "logs" / "completions" / "00001").unlink()
    wrong = aside / "documents" / "00001.parquet"
    wrong.unlink()
    (wrong / "x").mkdir(parents=True)  # no file can get this name

    failed = mixwright("prepare", "experiment.yaml", folder=tiny, expect=1)
    told = [line for line in failed.stderr.splitlines() if "Is a directory" in line]
    assert told[-1].startswith("mixwright: filter: rank 1 (")
    assert "Traceback" not in failed.stderr
    assert "Traceback" in mixwright("prepare", "experiment.yaml", "--debug", folder=tiny, expect=1).stderr

    shown = here("status", "experiment.yaml", folder=tiny).stdout
    assert "1 failed" in shown
    (line,) = (line for line in shown.splitlines() if line.startswith("filter: rank 1 ("))
    assert "failed: IsADirectoryError" in line
    log = Path(line.rpartition("(log: ")[2].rstrip(")"))
    assert log.is_file()
    (part,) = (part for part in json.loads(here("status", "experiment.yaml", "--json", folder=tiny).stdout)["parts"]
               if part["name"] == "filter")  # fmt: skip
    assert part["state"] == "failed"
    assert part["failed"] == [line.removeprefix("filter: ")]

    shutil.rmtree(wrong)
    mixwright("prepare", "experiment.yaml", folder=tiny)
    assert {file.name: file.read_bytes() for file in (made / "documents").iterdir()} == documents
