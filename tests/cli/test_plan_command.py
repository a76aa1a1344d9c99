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


def test_ways_to_spend_a_budget_over_sizes(tiny, finished):
    words = ("plan", "experiment.yaml", "--at", "400k", "--flops", "2e12")
    before = tree(tiny)
    said = json.loads(here(*words, "--json", folder=tiny).stdout)
    assert tree(tiny) == before
    jsonschema.validate(said, json.loads((ROOT / "docs" / "plan_at_size.schema.json").read_text()))
    assert said["ways"][0]["regret"] == min(way["regret"] for way in said["ways"])
    assert all(way["flops"] <= said["budget"] for way in said["ways"])
    for wrong, line in (
        (("--at", "huge"), "at 'huge': is no size"),
        (("--at", "100k"), "is no larger than the swarm's own proxies"),
        (("--at", "400k", "--flops", "1"), "FLOPs pay for 0 proxies"),
        (("--at", "400k", "--flops", "much"), "--flops 'much': is no number above 0"),
        (("--at", "400k", "--price", "2"), "--at compares FLOPs"),
        (("--flops", "1e13"), "--flops is the budget of --at"),
    ):
        assert line in said_here(tiny, "plan", "experiment.yaml", *wrong)
