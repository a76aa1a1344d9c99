"""What a trainer's file says of the trainer, what it is given, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.trainers.handover import HandOver
from pipeline.store.writing import write_aside

TOKENIZER = "tokenizer"  # folder of every export over a pool


@dataclass(frozen=True)
class Place:
    """Where an export is written: `folder` for now, under the name `final` when all of it is there."""

    folder: Path
    final: Path  # absolute; what configuration files name
    run: Callable[[Any], None]  # runs a datatrove step over the pool's ranks
    sequence: int = 2_048  # tokens of a sample, where samples are written

    @property
    def tokenizer(self) -> str:
        """The folder of the pool's tokenizer."""
        return str(self.final / TOKENIZER)

    def write(self, name: str, content: str) -> None:
        """Write a text file, whole or not there."""
        write_aside(self.folder / name, content.encode())


@dataclass(frozen=True)
class Written:
    """What was written for a trainer."""

    names: Sequence[str]  # of each part, in the trainer's files
    weights: Sequence[float]  # the number of each part there
    usage: Sequence[str]  # lines of the README on how to start
    notes: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Trainer:
    """A format of export."""

    name: str
    title: str
    counts: str  # what a weight counts: "tokens", "documents", …
    explained: str  # the same in a sentence
    write: Callable[[HandOver, Place], Written]
    placeholder: str = "DATA/{domain}/*.npy"  # stands for the files of a domain that nobody named
    texts: bool = False  # whether it wants documents as text
    most_ids: int | None = None  # largest vocabulary that its integers hold


def yaml_text(content: Any) -> str:
    """YAML in the order given, numbers in full."""
    import yaml

    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1_000)
