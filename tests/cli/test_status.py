"""`mixwright status` on a finished experiment, a stale one, one that is being made, and one that was stopped."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from support import here

from pipeline.store.lock import locked


def parts(folder: Path, file: str = "experiment.yaml") -> dict[str, list[str]]:
    shown = here("status", file, "--json", folder=folder)
    assert shown.returncode == 0, shown.stderr
    return {part["name"]: [part["state"], part["detail"]] for part in json.loads(shown.stdout)["parts"]}


@pytest.fixture
def changed(tiny, finished):
    """Writes the experiment with some sections changed, over the same work folder."""

    def write(**sections: object) -> str:
        content = yaml.safe_load((tiny / "experiment.yaml").read_text())
        (tiny / "changed.yaml").write_text(yaml.safe_dump({**content, **sections}))
        return "changed.yaml"

    return write


def test_all_is_finished(tiny, finished):
    found = parts(tiny)
    assert {state for state, _ in found.values()} == {"finished"}
    assert list(found)[-3:] == ["pool", "swarm", "recommendation"]
    assert found["swarm"][1] == "15 of 15 proxies"
    assert finished["id"] in found["recommendation"][1]
    shown = here("status", "experiment.yaml", folder=tiny)
    assert "Next: mixwright report experiment.yaml" in shown.stdout


def test_a_larger_swarm_goes_on_with_what_is_trained(tiny, changed):
    found = parts(tiny, changed(swarm={"mixes": 14, "max_epochs": 8, "seeds": 2}))
    assert found["swarm"][0] == "begun"
    assert "the last one ended" in found["swarm"][1]
    assert "recommendation" not in found
    shown = here("status", "changed.yaml", folder=tiny).stdout
    assert "swarm so far: 12 of 16 mixes scored; best so far, with 90 % intervals: " in shown
    assert "predicted gain over natural on the target: " in shown


def test_a_swarm_that_has_hardly_begun_tells_nothing(tiny, changed):
    found = here("status", changed(seed=4), folder=tiny).stdout
    assert "best so far" not in found


def test_other_settings_make_a_stage_stale(tiny, changed):
    found = parts(tiny, changed(pool={"validation_share": 0.06}))
    assert list(found)[-1] == "domains"
    assert found["domains"][0] == "stale"


def test_a_stage_that_is_made_is_told_from_one_that_was_stopped(tiny, finished, tmp_path):
    folder = Path(shutil.copytree(tiny, tmp_path / "stopped"))
    stages = folder / "work" / "stages"
    (filtered,) = stages.glob("filter-*")
    aside = filtered.rename(stages / f".{filtered.name}")
    (aside / "stage.json").unlink()
    (next(aside.rglob("completions")) / "00000").unlink()
    ranks = len(list((aside / "documents").glob("*.parquet")))
    assert parts(folder)["filter"] == ["interrupted", f"{ranks - 1} of {ranks} ranks"]
    with locked(stages / f".{filtered.name}.lock"):
        assert parts(folder)["filter"][0] == "running"


def test_nothing_is_there_yet(tiny, changed):
    found = parts(tiny, changed(work="elsewhere"))
    assert [state for state, _ in found.values()] == ["not begun"]
    assert not (tiny / "elsewhere").exists()
