"""Links to the pool's token files, with the side files that trainers want beside them: nothing is copied."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.formats.datatrove_index import write_datatrove_index
from pipeline.formats.megatron_index import write_megatron_index
from pipeline.parts.placed import Placed, as_tokenised, checked_lengths, document_lengths, rank_files
from pipeline.store.files import rank_name

Kind = Literal["megatron", "datatrove"]
SUFFIX: dict[Kind, str] = {"megatron": ".bin", "datatrove": ".ds"}


def link_name(rank: str, file: str, kind: Kind) -> str:
    """How a token file of the pool is called in a part's folder: unique among all ranks."""
    return f"{rank}.{file.removesuffix('.bin')}{SUFFIX[kind]}"


class LinkTokens(PipelineStep):
    """Rank r links the token files of rank r of the pool, and writes their side files."""

    type = "mixwright"
    name = "link"

    def __init__(
        self, tokenised: Path, placed: Placed, kind: Kind, dtype: np.dtype, tokenizer: str, folder: Path
    ) -> None:
        """tokenizer: what `.ds.metadata` names."""
        super().__init__()
        self.tokenised, self.placed, self.kind = tokenised, tuple(as_tokenised(placed).items()), kind
        self.dtype, self.tokenizer, self.folder = dtype, tokenizer, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes links and side files; yields nothing."""
        placed = dict(self.placed)
        lengths = document_lengths(self.tokenised, rank, placed)
        for path, part, listed in rank_files(self.tokenised, rank, placed):
            counts = checked_lengths(lengths, path, listed, self.dtype.itemsize)
            link = self.folder / part / link_name(rank_name(rank), path.name, self.kind)
            link.parent.mkdir(parents=True, exist_ok=True)
            if self.kind == "megatron":
                write_megatron_index(link.with_suffix(".idx"), counts, self.dtype)
            else:
                write_datatrove_index(link, counts, self.tokenizer, self.dtype.itemsize)
            link.unlink(missing_ok=True)
            os.symlink(path.resolve(), link)
        return iter(())
