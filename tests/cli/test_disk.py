"""A full disk, and one that cannot be written: one line, nothing left behind, and the same command goes on."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import here, mixwright


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A small file system of its own, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", folder]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def with_work(tiny: Path, folder: Path) -> str:
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    (tiny / "elsewhere.yaml").write_text(yaml.safe_dump({**content, "work": str(folder)}))
    return "elsewhere.yaml"


def test_a_full_disk(tiny, disk):
    file = with_work(tiny, disk / "work")
    done = mixwright("prepare", file, folder=tiny, expect=1)
    lines = [line for line in done.stderr.splitlines() if line.startswith("mixwright: ")]
    assert len(lines) == 1
    assert "the disk is full" in lines[0]
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 10
    stages = [path for path in (disk / "work" / "stages").iterdir() if path.is_dir() and not path.name.startswith(".")]
    assert all((stage / "stage.json").exists() and not list(stage.rglob(".*")) for stage in stages)
    subprocess.run(["mount", "-o", "remount,size=300m", disk], check=True)
    mixwright("prepare", file, folder=tiny)
    assert not [path for path in disk.rglob(".*.*") if path.is_file() and not path.name.endswith(".lock")]


def test_a_disk_that_fills_while_a_blend_is_written(tiny, finished, disk):
    """Other files take the room that was there at the start."""
    words = (
        "blend",
        "experiment.yaml",
        str(disk / "blend"),
        "--tokens",
        "60k",
        "--shard",
        "10k",
        "--format",
        "megatron",
    )
    (disk / "other").write_bytes(bytes(390_000))
    done = mixwright(*words, folder=tiny, expect=1)
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert {path.name for path in (disk / "blend").iterdir()} == {".blend"}
    (disk / "other").unlink()
    subprocess.run(["mount", "-o", "remount,size=300m", disk], check=True)
    mixwright(*words, folder=tiny)
    assert here("verify-blend", str(disk / "blend"), folder=tiny).returncode == 0


def test_a_finished_work_folder_that_cannot_be_written_answers(tiny, finished, disk):
    work = tiny / "work"
    subprocess.run(["mount", "--bind", work, work], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", work], check=True)
        done = here("recommend", "experiment.yaml", "--json", folder=tiny)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == finished
        assert "nothing is recorded" in done.stderr
        other = here("recommend", "experiment.yaml", "--target", "code=1", folder=tiny)
        assert other.returncode == 1
        assert "the file system is read-only" in other.stderr
    finally:
        subprocess.run(["umount", "-l", work], check=True)
