"""Wrong usages, generated: every option of every command, and every field of the experiment file, given what is wrong.

A usage is a list of words. Every one of them ends before any stage runs: the experiment that it names has no suite.
"""

import os
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
import yaml
from pydantic import BaseModel
from support import experiment_content
from swarm_tables import swarm_frames, write

from flows.cli import app
from flows.experiment import Experiment

TEXTS = ("", "x[/b]", "\x1b]0;title\x07", "a\nb", "a\0b", "é" * 3_000)
NUMBERS = ("x", "nan", "inf", "-1", "1e999", "9" * 400, "", "1,5", "\x1b[31m")
PATHS = (
    "nowhere", "folder", "empty", "binary", "list.yaml", "utf16.yaml", "fifo", "loop", "/proc", "/dev/null", "n" * 300,
    "a\0b", "x[/b]", "nowhere/deep/x", "http://127.0.0.1:9/x",
)  # fmt: skip
NO_SAMPLE = ("folder", "empty", "fifo", "loop", "loop/x", "/proc/x", "/dev/null", "/dev/null/x", "n" * 300, "a\0b")
PAIRS = (
    "x", "=", "x=", "=1", "code=nan", "code=inf", "code=1e308", "cod=1", "x[/b]=1", "\x1b[31m=1", "code=" + "9" * 400,
    "web=0.8:0.3", "web=0:1:2", "web=:", "*=nan:nan", "é" * 3_000 + "=1",
)  # fmt: skip
WORDS = {  # what a command needs before its options count
    "sample": ("folder",),
    "recommend": ("nosuite.yaml",),
    "check-law": ("--ratios", "ratios.csv", "--metrics", "metrics.csv"),
    "sql": ("nosuite.yaml", "from domains"),
    "schedule": ("nosuite.yaml", "--every", "60"),
}


def lay_out(folder: Path) -> None:
    """Files that usages name: an experiment without a suite, a swarm, and files of odd content."""
    content = experiment_content()
    (folder / "web").mkdir()
    (folder / "web" / "a.warc.gz").write_bytes(b"")
    write_yaml(folder / "nosuite.yaml", content)
    (folder / "folder").mkdir()
    (folder / "folder" / "thesis.txt").write_text("dear reader")
    (folder / "empty").write_bytes(b"")
    (folder / "binary").write_bytes(bytes(range(256)) * 20)
    (folder / "list.yaml").write_text("[1, 2]")
    (folder / "utf16.yaml").write_text("name: x", encoding="utf-16")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    write(folder, *swarm_frames())


def write_yaml(path: Path, content: Any) -> None:
    path.write_text(yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True))


def commands() -> dict[str, Any]:
    """Name → the command as click has it."""
    return dict(typer.main.get_command(app).commands)


def option_usages() -> Iterator[tuple[str, list[str]]]:
    """(what is wrong, words) of every option and argument of every command."""
    for name, command in commands().items():
        base = [name, *WORDS.get(name, ("nosuite.yaml",))]
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                paths = NO_SAMPLE if name == "sample" else PATHS
                yield from ((f"{name} argument", [name, path]) for path in paths)
                continue
            if parameter.name == "help":
                continue
            option = parameter.opts[0]
            if parameter.is_flag:
                yield f"{name} {option} with a value", [*base, f"{option}=x"]
                continue
            yield f"{name} {option} without a value", [*base, option]
            yield f"{name} {option} misspelled", [*base, f"{option}x", "1"]
            yield from ((f"{name} {option}", [*base, f"{option}={value}"]) for value in _values(parameter))


def _values(parameter: Any) -> tuple[str, ...]:
    """Wrong values for a parameter of its type."""
    if parameter.multiple:
        return PAIRS
    annotation = parameter.type_descriptor.annotation
    if annotation in (int, float):
        return NUMBERS
    return PATHS if annotation is Path else (*TEXTS, *NUMBERS)


def other_usages() -> Iterator[tuple[str, list[str]]]:
    """Missing, contradictory and surplus arguments."""
    yield "no such command", ["nonsense"]
    yield "no such option", ["--nonsense"]
    for name in commands():
        if name != "demo":  # needs no argument
            yield f"{name} alone", [name]
        yield f"{name} with one argument too many", [name, "a", "b", "c", "d"]
    exp, ratios, metrics = "nosuite.yaml", ["--ratios", "ratios.csv"], ["--metrics", "metrics.csv"]
    yield "both schedules", ["schedule", exp, "--every", "60", "--cron", "0 3 * * *"]
    yield "no schedule", ["schedule", exp]
    yield "ratios alone", ["recommend", *ratios]
    yield "metrics alone", ["recommend", *metrics]
    yield "ratios beside an experiment", ["recommend", exp, *ratios]
    yield "families alone", ["recommend", exp, "--families", "list.yaml"]
    yield "tokens beside an experiment", ["recommend", exp, *metrics, "--tokens", "list.yaml"]
    yield "test ratios alone", ["check-law", *ratios, *metrics, "--test-ratios", "ratios.csv"]
    yield "catalog and experiment", ["sql", exp, "from domains", "--catalog", "empty"]
    yield "catalog and experiment", ["dropped", exp, "--catalog", "empty"]
    for bad in (
        "empty",
        "binary",
        "list.yaml",
        "utf16.yaml",
        "folder",
        "nowhere",
        "fifo",
        "loop",
        "/dev/null",
        "n" * 300,
    ):
        yield "a swarm's ratios", ["recommend", "--ratios", bad, *metrics]
        yield "a swarm's metrics", ["recommend", *ratios, "--metrics", bad]
        yield "a swarm's families", ["recommend", *ratios, *metrics, "--families", bad]
        yield "a swarm's tokens", ["recommend", *ratios, *metrics, "--tokens", bad]
        yield "a catalog", ["sql", "from domains", "--catalog", bad]
        yield "a catalog", ["dropped", "--catalog", bad]


def fields_of(model: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(place, annotation) of every field of a model, and of the models in it."""
    for name, field in model.model_fields.items():
        if (*place, name) == ("base",):
            continue
        yield (*place, name), field.annotation
        for inner in _models(field.annotation):
            at = (*place, name, "web") if get_origin(field.annotation) is dict else (*place, name)
            yield from fields_of(inner, at)


def _models(annotation: Any) -> list[Any]:
    parts = get_args(annotation) or (annotation,)
    return [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]


NEVER = {  # no field takes any of these
    "a number out of every range": -1e308,
    "infinite": float("inf"),
    "no number": float("nan"),
    "a mapping of a list": {"zz[/b]": ["x"]},
    "a list of lists": [[[1]]],
    "a NUL": "a\0b",
}


def field_usages() -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """(place, what is wrong, value) for every field, one of NEVER for each in turn; and an unknown field in every
    section."""
    kinds = cycle(NEVER.items())
    sections = set()
    for place, annotation in fields_of(Experiment):
        what, value = next(kinds) if not _takes_numbers(place) else ("a list of lists", [[[1]]])
        yield place, what, value
        if annotation is not bool and not _takes_text(annotation):
            yield place, "a text", "x[/b]\x1b[31m"
        if place[:-1] not in sections:
            sections.add(place[:-1])
            yield (*place[:-1], place[-1] + "x"), "unknown", 1


def _takes_numbers(place: tuple[str, ...]) -> bool:
    """Labels of classifiers, which may be numbers."""
    return place[0] in ("quality", "topics") and place[-1] in ("good", "attribute", "ignore", "labels")


def _takes_text(annotation: Any) -> bool:
    return annotation is str or any(_takes_text(part) for part in get_args(annotation))


def with_field(place: tuple[str, ...], value: Any) -> dict:
    """The experiment with one field set."""
    content = part = experiment_content()
    if place[0] == "reuse":
        content["reuse"] = {"recommendation": "earlier.json"}
    for step in place[:-1]:
        part = part.setdefault(step, {})
    part[place[-1]] = value
    return content
