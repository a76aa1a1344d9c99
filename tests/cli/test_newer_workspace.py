"""A work folder that a newer mixwright wrote is refused in one line, and nothing in it changes."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from support import here, only_line

from pipeline.store.seal import sealed_json


def newer_mark(work: Path) -> None:
    (work / "workspace.json").write_text(json.dumps({"version": 99}))


def newer_index(work: Path) -> None:
    (work / "current.json").write_bytes(sealed_json({"schema_version": 99, "pools": [], "more": 1}))


def newer_index_without_seal(work: Path) -> None:
    content = json.loads((work / "current.json").read_bytes())
    (work / "current.json").write_text(json.dumps({**content, "schema_version": 99}))


def newer_catalog(work: Path) -> None:
    with duckdb.connect(str(work / "catalog.duckdb")) as catalog:
        catalog.execute("update meta set schema_version = 99")


@pytest.mark.parametrize("make_newer", [newer_mark, newer_index, newer_index_without_seal, newer_catalog])
def test_it_is_refused_before_anything_is_written(whole_run, tmp_path, make_newer):
    folder = Path(shutil.copytree(whole_run, tmp_path / "newer"))
    make_newer(folder / "work")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for command, *more in (
        ("run",), ("prepare",), ("swarm",), ("recommend",), ("refresh",), ("status",), ("gc", "--delete"), ("report",),
        ("export", "--format", "json", "--out", str(tmp_path / "out")),
        ("blend", str(tmp_path / "blend"), "--tokens", "20k"),
        ("catalog", "--portable", str(tmp_path / "portable")), ("plan",), ("validate",),
    ):  # fmt: skip
        line = only_line(here(command, "experiment.yaml", *more, folder=folder))
        assert "version 99" in line, command
        assert "upgrade mixwright" in line, command
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert not [name for name in ("out", "blend", "portable") if (tmp_path / name).exists()]


def test_a_folder_without_a_mark_gets_one(whole_run, tmp_path):
    folder = Path(shutil.copytree(whole_run, tmp_path / "older"))
    mark = folder / "work" / "workspace.json"
    assert json.loads(mark.read_bytes()) == {"version": 1}
    mark.unlink()
    assert not here("run", "experiment.yaml", folder=folder).returncode
    assert json.loads(mark.read_bytes()) == {"version": 1}
