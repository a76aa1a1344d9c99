"""The pool: every surviving document, labelled and tokenised, as its manifest lists it."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from pipeline.store.tokenizer import load_tokenizer, token_bytes, vocabulary_size

TRAIN, VALIDATION = "train", "validation"  # splits


@dataclass(frozen=True)
class PoolDomain:
    """What one domain holds; `tokens` are those of the training split."""

    name: str
    source: str
    documents: int
    bytes: int
    tokens: int
    validation_tokens: int


class Pool:
    """A finished pool folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = json.loads((folder / "manifest.json").read_bytes())

    @property
    def tokenised(self) -> Path:
        """Folder of the stage that holds token files and documents."""
        return self.folder.parent / str(self.manifest["tokens"])

    @cached_property
    def domains(self) -> dict[str, PoolDomain]:
        """Name → domain, sorted by name."""
        return {name: self._domain(name, source) for name, source in sorted(self.manifest["sources"].items())}

    def _domain(self, name: str, source: str) -> PoolDomain:
        files = [file for file in self.manifest["files"] if file["domain"] == name]
        train = [file for file in files if file["split"] == TRAIN]
        return PoolDomain(
            name=name,
            source=source,
            documents=sum(file["documents"] for file in files),
            bytes=sum(file["bytes"] for file in files),
            tokens=sum(file["tokens"] for file in train),
            validation_tokens=sum(file["tokens"] for file in files) - sum(file["tokens"] for file in train),
        )

    @property
    def natural(self) -> dict[str, float]:
        """The pool's own token shares by domain."""
        total = sum(domain.tokens for domain in self.domains.values())
        return {name: domain.tokens / total for name, domain in self.domains.items()}

    def available(self, full_tokens: dict[str, int | None]) -> dict[str, float]:
        """Domain → tokens that a training run can draw on: the source's full corpus, where it is stated
        (source → tokens), shared by its domains as the pool shares it; else the pool's own."""
        source_tokens: dict[str, int] = {}
        for domain in self.domains.values():
            source_tokens[domain.source] = source_tokens.get(domain.source, 0) + domain.tokens
        return {
            name: float(
                domain.tokens
                * (full_tokens.get(domain.source) or source_tokens[domain.source])
                / source_tokens[domain.source]
            )
            for name, domain in self.domains.items()
        }

    def files(self, split: str) -> dict[str, list[Path]]:
        """Token files by domain, in a fixed order."""
        files: dict[str, list[Path]] = {name: [] for name in self.domains}
        for file in self.manifest["files"]:
            if file["split"] == split:
                files[file["domain"]].append(self.tokenised / "tokens" / file["file"])
        return files

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the token files were made with."""
        return load_tokenizer(self.folder / "tokenizer.json")

    @cached_property
    def vocabulary(self) -> int:
        """Numbers that the tokenizer gives out, unused ones among them."""
        return vocabulary_size(self.tokenizer)

    @property
    def end_token(self) -> int:
        """Number of the token that ends a document."""
        number = self.tokenizer.token_to_id(self.manifest["end"])
        assert number is not None  # checked when the tokenizer was made
        return number

    @property
    def token_bytes(self) -> np.ndarray:
        """(vocabulary,) bytes of each token."""
        return token_bytes(self.tokenizer, self.manifest["end"])
