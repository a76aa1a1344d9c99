"""The command line and the experiment file load little: what a command needs is imported when it runs."""

import os
import subprocess
import sys

import pytest
from support import ROOT

HEAVY = (
    "datatrove", "torch", "prefect", "polars", "pyarrow", "duckdb", "scipy", "cvxpy", "sklearn", "lxml", "resiliparse",
    "fsspec", "tokenizers", "fasttext", "loguru",
)  # fmt: skip
LOAD = "from pathlib import Path; from flows.experiment import load_experiment; "
LOAD += "load_experiment(Path('experiments/sample.yaml'))"
HELP = (
    "import sys; sys.argv = ['mixwright', '--help']\nfrom flows.cli import main\ntry: main()\nexcept SystemExit: pass"
)


def imported(code: str) -> set[str]:
    """The heavy packages that some code imports."""
    code += f"\nimport sys; print('imported', *(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_imports_nothing_heavy():
    assert imported(HELP) == set()
    assert imported("import flows.cli, sys; assert not {'pydantic', 'numpy', 'rich'} & sys.modules.keys()") == set()


def test_an_experiment_file_is_checked_without_the_pipeline():
    assert imported(LOAD) == set()


@pytest.mark.parametrize("words", [["--debug", "sql"], ["sql", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(words):
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *words, "nowhere.yaml", "from domains"], cwd=ROOT, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Traceback" in done.stderr
    assert "nowhere.yaml" in done.stderr


def test_devices_of_the_help_are_those_that_are_known():
    from flows.commands.plan import DEVICES
    from mixes.proxy.devices import PUBLISHED, THIS

    assert (THIS, *PUBLISHED) == DEVICES
