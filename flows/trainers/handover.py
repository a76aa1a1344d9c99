"""What a trainer has to be told: parts of a corpus with their shares of tokens, and what that comes to in epochs.

A part is what a trainer draws from with one weight: a domain, or one quality bucket of it where upsampling repeats
buckets unevenly. Every number of a `HandOver` counts tokens; a trainer that counts documents asks for `row_shares`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

TINY = 1e-6  # share of tokens that is as good as none (assumed: of a trillion tokens, a million)


@dataclass(frozen=True)
class TokenFile:
    """A token file of the pool."""

    path: Path  # absolute
    bucket: int
    documents: int
    tokens: int

    @property
    def rank(self) -> str:
        """Name of the rank that wrote it."""
        return self.path.parent.name


@dataclass(frozen=True)
class Vocabulary:
    """How the pool's texts became numbers."""

    tokenizer: Path  # tokenizer.json
    size: int  # numbers that it gives out
    digest: str  # of which token each number stands for
    dtype: np.dtype  # of the ids in token files
    end: str  # token that ends every document
    end_id: int


@dataclass(frozen=True)
class Part:
    """A domain, or one of its quality buckets."""

    domain: str
    bucket: int | None  # None: all of the domain's, which repeat alike
    share: float  # of the training run's tokens
    held: float  # tokens that there are
    documents: int | None  # None: not known
    planned: float  # tokens that the training run reads
    cap: float  # most times that it may repeat
    files: tuple[TokenFile, ...] = ()
    paths: tuple[str, ...] = ()  # of files that are not the pool's, as the user names them

    @property
    def epochs(self) -> float:
        """How often the training run reads it."""
        return self.planned / self.held

    @property
    def name(self) -> str:
        """`books`, or `books/bucket 03`."""
        return self.domain if self.bucket is None else f"{self.domain}/bucket {self.bucket:02d}"


@dataclass(frozen=True)
class HandOver:
    """A recommendation as what a trainer needs to know of it; `parts` have positive shares, which sum to 1."""

    recommendation: str
    pool: Path | None  # None: a swarm from files
    tokens: float  # of the training run
    parts: tuple[Part, ...]
    left_out: Mapping[str, str]  # domain, or a bucket of it → why
    validation: Mapping[str, tuple[TokenFile, ...]]  # domain → its token files
    vocabulary: Vocabulary | None
    tokenised: Path | None = None  # folder of the stage with token files and documents
    batch: int | None = None  # tokens of the trainer's global batch, of which `tokens` are a multiple
    notes: tuple[str, ...] = ()  # what a reader should know besides

    @cached_property
    def row_shares(self) -> list[float]:
        """Shares of documents by which parts get their shares of tokens, by each part's mean tokens per document. How
        many documents there are is to be known."""
        rows = [part.share / (part.held / (part.documents or 1)) for part in self.parts]
        return [row / sum(rows) for row in rows]

    def in_vocabulary(self) -> Vocabulary:
        """The pool's vocabulary; only asked for where there is a pool."""
        assert self.vocabulary
        return self.vocabulary


def keep_drawable(parts: Sequence[Part]) -> tuple[tuple[Part, ...], dict[str, str]]:
    """Parts with weights above TINY, which sum to 1 again; and why each other part is left out. A weight of zero, or
    almost, stops some trainers and makes others wait for ever."""
    drawable = tuple(part for part in parts if part.share > TINY)
    left_out = {
        part.name: f"its weight is below {TINY:g}" if part.share else "its weight is 0"
        for part in parts
        if part.share <= TINY
    }
    lost = sum(part.share for part in parts if part.share <= TINY)
    if not lost:
        return drawable, left_out
    grown = 1 / (1 - lost)
    return tuple(replace(part, share=part.share * grown, planned=part.planned * grown) for part in drawable), left_out
