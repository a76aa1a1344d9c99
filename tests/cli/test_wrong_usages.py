"""Wrong usages, generated over commands and fields: one line or a usage error, exit code 2, nothing left behind."""

import re
from pathlib import Path

import pytest
from support import here
from wrong_usages import (
    commands,
    field_usages,
    lay_out,
    option_usages,
    other_usages,
    with_field,
    write_yaml,
)

LONGEST = 620  # characters of a line of ours, its name in front included
LONGEST_USAGE = 3_000  # of typer's, whose box repeats what was given
ESCAPE = re.compile("[\x00\x1b]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("usages")
    lay_out(folder)
    return folder


def mistake(folder: Path, words: list[str], named: str = "") -> str:
    """What is wrong with how a wrong usage ended; empty where nothing is. named: what its line must hold."""
    before = {path.name for path in folder.iterdir()}
    done = here(*words, folder=folder)
    lines = [line for line in done.stderr.splitlines() if line.startswith("mixwright: ")]
    left = {path.name for path in folder.iterdir()} - before
    wrong = {
        f"exit code {done.returncode}": done.returncode != 2,
        "on stdout": bool(done.stdout),
        "no line": not lines and "Usage:" not in done.stderr and "Error" not in done.stderr,
        "several lines": len(lines) > 1,
        "long": any(len(line) > LONGEST for line in lines) or (not lines and len(done.stderr) > LONGEST_USAGE),
        "an escape": bool(ESCAPE.search(done.stderr)),
        f"left {left}": bool(left),
        f"{named} is not named in {done.stderr}": named not in done.stderr,
    }
    return ", ".join(what for what, holds in wrong.items() if holds)


def failures(folder: Path, usages: list[tuple[str, list[str]]]) -> list[str]:
    return [
        f"{what}: {problem} ({[word[:60] for word in words]})"
        for what, words in usages
        if (problem := mistake(folder, words))
    ]


@pytest.mark.parametrize("command", sorted(commands()))
def test_options(folder, command):
    usages = [(what, words) for what, words in option_usages() if what.split()[0] == command]
    assert usages
    assert failures(folder, usages) == []


def test_missing_and_contradictory_arguments(folder):
    assert failures(folder, list(other_usages())) == []


def test_fields(folder):
    """A field's mistake names the field."""
    wrong = []
    for place, what, value in field_usages():
        write_yaml(folder / "field.yaml", with_field(place, value))
        if problem := mistake(folder, ["dropped", "field.yaml"], ".".join(place)):
            wrong.append(f"{'.'.join(place)}, {what}: {problem}")
    assert wrong == []
