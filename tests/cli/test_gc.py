"""`mixwright gc`: what sources that changed twice leave behind goes, and everything works as before."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from support import SAMPLE, changed, here, mixwright, read_lines, write_lines

from flows.gc.sizes import freed_by
from pipeline.store.in_use import hold


def listed(folder: Path, *words: str, file: str = "experiment.yaml") -> dict:
    done = here("gc", file, "--json", *words, folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stages(folder: Path) -> set[str]:
    return {path.name for path in (folder / "work" / "stages").iterdir() if path.name[0] != "." and path.is_dir()}


@pytest.fixture(scope="module")
def changed_twice(tiny, finished) -> tuple[Path, set[str], set[str]]:
    """The tiny experiment after two changes of its sources; the stages of the first run, and of the second alone."""
    first = stages(tiny)
    code = read_lines(next((SAMPLE / "code").glob("*.zst")))
    write_lines(tiny / "code" / "c.jsonl.zst", code[100:104])
    mixwright("run", "experiment.yaml", folder=tiny)
    second = stages(tiny) - first
    write_lines(tiny / "code" / "d.jsonl.zst", code[104:108])
    mixwright("run", "experiment.yaml", folder=tiny)
    return tiny, first, second


def test_nothing_is_listed_of_a_finished_experiment(whole_run, tmp_path):
    folder = Path(shutil.copytree(whole_run, tmp_path / "one"))
    found = listed(folder)
    assert found["items"] == []
    kept = {name for reason in found["kept"] for name in reason["stages"]}
    assert kept == stages(folder)


def test_what_is_old_goes_and_everything_works(changed_twice):
    folder, first, second = changed_twice
    before = stages(folder)
    found = listed(folder)
    old = {item["name"] for item in found["items"]}
    assert any(name.startswith("filter-") for name in old & second)
    assert any(name.startswith("tokenise-") for name in old & first)
    assert not any(name.startswith(("recommend-", "checked-", "urls-")) for name in old)
    sizes = [item["bytes"] for item in found["items"]]
    assert sizes == sorted(sizes, reverse=True)
    assert found["bytes"] == sum(sizes)
    assert stages(folder) == before, "something was deleted without --delete"

    held = sum(path.stat().st_blocks for path in (folder / "work" / "stages").rglob("*"))
    assert listed(folder, "--delete")["bytes"] == found["bytes"]
    assert stages(folder) == before - old
    assert sum(path.stat().st_blocks for path in (folder / "work" / "stages").rglob("*")) < held
    assert listed(folder)["items"] == []

    runs = {path.name for path in (folder / "work" / "records" / "runs").iterdir()}
    for words in (
        ("run", "experiment.yaml"), ("recommend", "experiment.yaml", "--target", "sciq=1"),
        ("status", "experiment.yaml"), ("report", "experiment.yaml"),
        ("export", "experiment.yaml", "--format", "megatron"),
        ("refresh", "experiment.yaml"), ("blend", "experiment.yaml", "blended", "--tokens", "20k"),
        ("dropped", "experiment.yaml"), ("sql", "experiment.yaml", "select count(*) from documents"),
    ):  # fmt: skip
        mixwright(*words, folder=folder)
    new = stages(folder) - (before - old)
    assert {name.partition("-")[0] for name in new} <= {"recommend"}, "a run made anew what gc had deleted"
    assert {path.name for path in (folder / "work" / "records" / "runs").iterdir()} == runs


def test_another_experiment_keeps_what_it_needs(whole_run, tmp_path):
    folder = Path(shutil.copytree(whole_run, tmp_path / "two"))
    mixwright("prepare", changed(folder, "other", "pool", "validation_share", value=0.06), folder=folder)
    assert listed(folder)["items"] == []
    assert listed(folder, file="other.yaml")["items"] == []
    content = yaml.safe_load((folder / "other.yaml").read_text())
    (folder / "other.yaml").write_text(yaml.safe_dump({**content, "pool": {"validation_share": 0.07}}))
    mixwright("prepare", "other.yaml", folder=folder)
    old = {item["kind"] for item in listed(folder, "--delete")["items"]}
    assert old == {"domains", "tokenizer", "tokenise", "pool"} | ({"contents"} & old)
    mixwright("run", "experiment.yaml", folder=folder)


def test_what_was_interrupted_or_is_in_use_stays(whole_run, tmp_path):
    folder = Path(shutil.copytree(whole_run, tmp_path / "three"))
    root = folder / "work" / "stages"
    half = root / ".label-0123456789ab"
    half.mkdir()
    (half / "a").write_bytes(b"half")
    assert listed(folder)["items"] == []
    assert [item["name"] for item in listed(folder, "--interrupted")["items"]] == [half.name]
    old = Path(shutil.copytree(next(root.glob("filter-*")), root / "filter-0123456789ab"))
    hold(old)
    done = mixwright("gc", "experiment.yaml", "--delete", "--json", folder=folder)
    assert json.loads(done.stdout)["in_use"] == [old.name]
    assert old.is_dir()
    assert listed(folder, "--delete", "--interrupted")["in_use"] == []  # this process holds it no more
    assert not old.exists()
    assert not half.exists()


def test_a_linked_file_counts_where_deleting_frees_it(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "x").write_bytes(b"12345")
    (tmp_path / "b" / "x").hardlink_to(tmp_path / "a" / "x")
    (tmp_path / "c" / "y").write_bytes(b"123")
    (tmp_path / "kept").hardlink_to(tmp_path / "c" / "y")
    a, b, c = (tmp_path / name for name in ("a", "b", "c"))
    assert freed_by([a, b, c]) == {a: 5, b: 0, c: 0}
    assert freed_by([a]) == {a: 0}
