"""The docs say what the code says."""

import re
import sys

import pytest
import yaml
from support import ROOT

from flows.cli import app
from flows.experiment import load_experiment

sys.path.insert(0, str(ROOT / "docs"))


def test_generated_docs_are_up_to_date():
    from generate import generated

    for name, content in generated().items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == content, f"docs/{name}: run `make docs`"


def test_every_command_has_help():
    assert all(command.callback.__doc__ for command in app.registered_commands)


def test_commands_of_the_readme_exist():
    blocks = re.findall(r"^```\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    readme = "\n".join(blocks)
    known = {command.callback.__name__.replace("_", "-") for command in app.registered_commands}
    assert set(re.findall(r"^mixwright ([\w-]+)", readme, re.MULTILINE)) <= known
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\w+)", readme, re.MULTILINE)) <= targets


@pytest.mark.parametrize("file", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda file: file.name)
def test_experiments_are_valid_and_resolve_to_themselves(file, tmp_path):
    experiment = load_experiment(file)
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(yaml.safe_dump(experiment.model_dump(mode="json")))
    assert load_experiment(resolved).id == experiment.id
