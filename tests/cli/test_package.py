"""The wheel: everything is in it, its commands run outside the checkout, and torch may be missing."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import ROOT

pytestmark = pytest.mark.cli
WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from flows.cli import main; main()"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The content of the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*words, "-w", folder / "dist", str(_copy(folder))], check=True, timeout=300)
    (wheel,) = (folder / "dist").glob("mixwright-*.whl")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "unpacked")
    return folder / "unpacked"


def _copy(folder: Path) -> Path:
    """The checkout without what a build would leave in it."""
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in files:
        if name.startswith(("flows/", "mixes/", "pipeline/", "classifiers/", "pyproject", "README", "LICENSE")):
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    return folder / "source"


def run(unpacked: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess:
    """A Python that has only the wheel's content of us, in a folder outside the checkout."""
    (unpacked.parent / "elsewhere").mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONSAFEPATH": "1"}
    ended = subprocess.run([sys.executable, *words], cwd=unpacked.parent / "elsewhere", capture_output=True, text=True,
                           env=environment, timeout=300)  # fmt: skip
    assert ended.returncode == code, ended.stderr
    return ended


def test_every_package_and_data_file_is_in_it(unpacked):
    ours = {"flows", "mixes", "pipeline", "classifiers"}
    modules = {path.relative_to(ROOT) for name in ours for path in (ROOT / name).rglob("*.py")}
    packed = {path.relative_to(unpacked) for name in ours for path in (unpacked / name).rglob("*.py")}
    assert packed == modules
    for name in (
        "mixes/py.typed",
        "mixes/example/metrics.csv",
        "mixes/example/LICENSE",
        "pipeline/read/blocks/points.json",
    ):
        assert (unpacked / name).read_bytes() == (ROOT / name).read_bytes()


def test_its_commands_run(unpacked):
    where = run(unpacked, "-c", "import mixes; print(mixes.__file__, mixes.example_files())").stdout
    assert str(unpacked) in where
    assert str(ROOT) not in where
    assert "recommend" in run(unpacked, "-m", "flows.cli", "--help").stdout


def test_scores_need_no_torch_and_proxies_say_that_they_do(unpacked, tiny):
    data = "import mixes; print(mixes.example_files())"
    files = Path(run(unpacked, "-c", data).stdout.strip())
    words = ["recommend", "--ratios", files / "ratios.csv", "--metrics", files / "metrics.csv", "--families",
             files / "families.yaml", "--law", "log_linear"]  # fmt: skip
    assert "Recommended mix" in run(unpacked, "-c", WITHOUT_TORCH, *map(str, words)).stdout
    line = run(unpacked, "-c", WITHOUT_TORCH, "swarm", str(tiny / "experiment.yaml"), code=2).stderr.splitlines()[-1]
    assert (
        line
        == "mixwright: proxies are trained with torch, which is not installed — run: pip install 'mixwright[train]'"
    )
