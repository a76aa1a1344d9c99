"""The plan as the command line prints it."""

import json
from pathlib import Path

import jsonschema
from support import ROOT, here, mixwright, said_here


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file and folder with its time of change and size."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_the_command(tiny):
    words = ("plan", "experiment.yaml", "--device", "h100", "--price", "2.5")
    before = tree(tiny)
    said = json.loads(mixwright(*words, "--json", folder=tiny).stdout)
    assert tree(tiny) == before
    jsonschema.validate(said, json.loads((ROOT / "docs" / "plan.schema.json").read_text()))
    assert said["price"] == 2.5
    table = here(*words, folder=tiny).stdout
    assert "Plan of tiny" in table
    assert "assumed" in table
    wrong = said_here(tiny, "plan", "experiment.yaml", "--device", "h300")
    assert "did you mean 'h200'" in wrong or "did you mean 'h100'" in wrong
