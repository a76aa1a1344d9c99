"""The environments that `make test-trainers` makes, and what a trainer draws from a folder there."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from support import ROOT

LOADERS = Path(__file__).parent / "loaders"
ENVIRONMENTS = Path(os.environ.get("MIXWRIGHT_TRAINERS", ROOT / ".venv"))


def python_of(environment: str) -> Path:
    """The Python of an environment; skips the test where there is none."""
    python = ENVIRONMENTS / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no {python}: run `make test-trainers`")
    return python


def draw(loader: str, folder: Path, wanted: int, environment: str = "trainers") -> list[dict]:
    """The samples that a trainer's own code draws from a folder; wanted: tokens, or documents where it draws those."""
    scratch = folder.parent / f"{folder.name}-home"
    settings = {"HF_HOME": str(scratch), "JAX_PLATFORMS": "cpu", "TMPDIR": str(scratch), "HF_HUB_OFFLINE": "1"}
    scratch.mkdir(exist_ok=True)
    done = subprocess.run(
        [python_of(environment), LOADERS / f"draw_{loader}.py", folder, str(wanted)], capture_output=True, text=True,
        timeout=300, check=False, env={**os.environ, **settings}, cwd=scratch,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
