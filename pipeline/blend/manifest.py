"""The manifest of a blend: what was asked, what was written, and how far each bucket of the pool is used."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.blend.copies import HASHES, Use
from pipeline.errors import PipelineError
from pipeline.store.seal import Damaged, read_sealed_json, sealed_json

MANIFEST = "manifest.json"
VERSION = 1


class BucketUse(BaseModel):
    """A quality bucket of a domain in a blend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    bucket: int
    pool_documents: int
    pool_tokens: int
    documents: int  # written, every copy counted
    singles: int  # of them different ones
    tokens: int  # written
    copies: int  # how far it is used, earlier blends included: see pipeline/blend/copies.py
    below: int
    also: tuple[int, ...]
    used_tokens: int

    @property
    def use(self) -> Use:
        """As the next blend takes it."""
        return Use(self.copies, self.below, self.also, self.used_tokens)


class DomainUse(BaseModel):
    """A domain in a blend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domain: str
    weight: float  # asked, share of tokens
    share: float  # written
    asked_tokens: float
    tokens: int
    documents: int
    epochs: float  # of this blend: its tokens ÷ the pool's
    used_epochs: float  # with the earlier blends that this one goes on from


class Manifest(BaseModel):
    """A finished blend."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    id: str
    recommendation: str
    experiment: str
    pool: str
    format: str
    seed: int  # of the shuffle
    order_seed: int  # of the order in which documents are taken; one for all blends that go on from each other
    after: str | None  # id of the blend that this one goes on from
    tokenizer_sha256: str
    vocabulary: int
    vocabulary_sha256: str
    token_bytes: int
    end_token: int
    asked_tokens: int
    tokens: int
    documents: int
    domains: tuple[DomainUse, ...]
    buckets: tuple[BucketUse, ...]
    shards: dict[str, dict[str, Any]]  # file → bytes, sha256

    def sealed(self) -> bytes:
        """As it is written, with its own SHA-256."""
        return sealed_json(self.model_dump(mode="json"))

    @property
    def uses(self) -> Mapping[tuple[str, int], Use]:
        """(domain, bucket) → how far it is used."""
        return {(bucket.domain, bucket.bucket): bucket.use for bucket in self.buckets}


def read_manifest(path: Path, where: str) -> Manifest:
    """The manifest at a path, or of the blend in a folder; where: what an error begins with.

    Raises:
        PipelineError: there is none, or it was changed since it was written.
    """
    file = path / MANIFEST if path.is_dir() else path
    if os.path.lexists(file) and not file.is_file():  # a pipe would be waited for
        raise PipelineError(f"{where} {path}: is no file — name the folder of a finished blend")
    try:
        content = read_sealed_json(file)
        manifest = Manifest(**content)
        if any(not 0 <= bucket.below < HASHES for bucket in manifest.buckets) or "mixwright" in content:
            raise ValueError
    except FileNotFoundError:
        raise PipelineError(f"{where} {path}: there is no {MANIFEST} — name the folder of a finished blend") from None
    except Damaged as damaged:
        raise PipelineError(
            f"{where} {path}: {damaged}: it was edited or damaged, so what it says was used is not to be trusted — "
            "restore the file, or write that blend again"
        ) from None
    except (ValidationError, ValueError, TypeError):
        raise PipelineError(f"{where} {path}: is no manifest of a blend of this mixwright — name its folder") from None
    return manifest
