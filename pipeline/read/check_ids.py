"""Checks that the ids of tokenised sources are those of one tokenizer."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from mixes.proxy.tokens import id_type
from pipeline.errors import PipelineError
from pipeline.read.sources import WIDTH, SourceSettings
from pipeline.store.tokenizer import given_tokenizer, vocabulary_size


def check_ids(sources: Mapping[str, SourceSettings], named: str, file: Path, end: str) -> None:
    """See that one tokenizer made the ids of every tokenised source.

    named: the tokenizer as `tokenizer.path` names it; file: where that is; end: its token that ends a document.

    Raises:
        PipelineError: the tokenizer cannot be used, or a source's ids are another's.
    """
    vocabulary = vocabulary_size(given_tokenizer(file, end))
    digest = sha256(file.read_bytes()).hexdigest()
    for name, source in sorted(sources.items()):
        if (source.tokenizer_sha256 or "").lower() != digest:
            raise PipelineError(
                f"sources.{name}.tokenizer_sha256: it is {source.tokenizer_sha256}, but tokenizer.path "
                f"{named!r} has {digest} — name the tokenizer that made the ids"
            )
        if WIDTH[source.dtype] < id_type(vocabulary).itemsize:
            raise PipelineError(
                f"sources.{name}.dtype: {source.dtype} cannot hold all {vocabulary:,} ids of tokenizer.path "
                f"{named!r} — the ids are wider: set dtype: uint32"
            )
