"""What the steps of a blend share. It lies in files: ranks may run on other machines."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from pipeline.blend.copies import Use
from pipeline.blend.rates import Bucket
from pipeline.store.writing import write_aside

Carried = Literal["ids", "line", "sample"]  # token ids; a line of Dolma's JSONL; a sample of MDS


@dataclass(frozen=True)
class About:
    """What a blend is made of."""

    tokenised: Path  # folder of the pool's token files and documents
    ranks: int  # files of documents in it
    buckets: tuple[Bucket, ...]
    hashed: dict[str, str]  # token file → SHA-256 as the pool's manifest lists it
    format_name: str
    carried: Carried
    width: int  # bytes of a token id: 2 or 4
    tokenizer: str  # name of the tokenizer's file, which lies beside the shards


@dataclass(frozen=True)
class Cut:
    """Where the shuffled blend is cut, and what it holds of each bucket."""

    edges: tuple[int, ...]  # places at which piles begin, but for the first
    documents: tuple[int, ...]  # by bucket, copies counted
    tokens: tuple[int, ...]
    singles: tuple[int, ...]  # documents of each bucket that appear at all


@dataclass(frozen=True)
class Choice:
    """Which copies of documents are taken, and where each goes."""

    uses: tuple[Use, ...]  # how far each bucket is used after this blend
    earlier: tuple[Use, ...]  # and before it
    order: int  # seed of the order in which documents are taken
    seed: int  # of the shuffle
    cut: Cut
    piles: int  # of a shard

    @property
    def shards(self) -> int:
        """How many there are."""
        return (len(self.cut.edges) + 1) // self.piles


_ABOUT, _CHOICE = TypeAdapter(About), TypeAdapter(Choice)


def write_about(file: Path, about: About) -> None:
    """For the ranks."""
    write_aside(file, _ABOUT.dump_json(about))


def read_about(file: Path) -> About:
    """What `write_about` wrote."""
    return _ABOUT.validate_json(file.read_bytes())


def write_choice(file: Path, choice: Choice) -> None:
    """For the ranks, and for a run that goes on."""
    write_aside(file, _CHOICE.dump_json(choice))


def read_choice(file: Path) -> Choice:
    """What `write_choice` wrote."""
    return _CHOICE.validate_json(file.read_bytes())
