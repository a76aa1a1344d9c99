"""The `deploy:` section, the flows that it names, and the image that they run in."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.sections.deploy import FLOWS, DeploySettings, Schedule

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"cron": "0 3 * *"}, "is no cron expression"),
        ({"cron": "0 3 * * *", "timezone": "Europa/Berlin"}, "did you mean 'Europe/Berlin'"),
        ({"every": 0}, "greater than or equal to 1"),
        ({"every": 60, "cron": "0 3 * * *"}, "either cron or every"),
        ({}, "either cron or every"),
        ({"every": 60, "timezone": "UTC"}, "timezone goes with cron"),
    ],
)
def test_schedules_that_are_none(given, line):
    with pytest.raises(ValidationError, match=line):
        Schedule(**given)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"schedules": {"refesh": {"every": 60}}}, "did you mean 'refresh'"),
        ({"gpus": 1}, "gpus is of kind docker and kubernetes, and kind is process"),
        ({"kind": "kubernetes"}, "kind kubernetes needs image"),
        ({"kind": "slurm", "gpus": 1, "activate": "/venv/bin/activate"}, "gpus is of kind docker"),
        ({"pool": "two words"}, "pool"),
        ({"env": {"A B": "1"}}, "env"),
    ],
)
def test_sections_that_fit_no_pool(given, line):
    with pytest.raises(ValidationError, match=line):
        DeploySettings(**given)


def test_the_image_is_built_from_files_that_are_there():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    named = [word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]]
    assert {"flows", "mixes", "pipeline", "classifiers", "pyproject.toml", "constraints.txt"} <= set(named)
    assert [name for name in named if not (ROOT / name).exists()] == []
    asked = re.search(r"\.\[([a-z,]+)\]", (ROOT / "Dockerfile").read_text())[1].split(",")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(asked) <= extras.keys()


def test_every_flow_has_an_entry():
    from flows.deploy import entries

    assert [getattr(entries, name.replace("-", "_")).name for name in FLOWS] == list(FLOWS)
    for name in FLOWS:
        properties = getattr(entries, name.replace("-", "_")).parameters.properties
        assert all(one.get("description") for one in properties.values()), name
