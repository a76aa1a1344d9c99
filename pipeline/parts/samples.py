"""Samples of one length, cut from the pool's token files into MDS shards: what llm-foundry trains on."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.formats.mds import INDEX, MdsWriter, mds_index
from pipeline.parts.placed import Placed, as_tokenised, rank_files
from pipeline.store.files import rank_name
from pipeline.store.writing import write_aside


class CutSamples(PipelineStep):
    """Rank r cuts the token files of rank r of the pool into samples of `length` tokens.

    A document's end may lie inside a sample, and a document in two. The samples of one part and rank follow each other
    over its files; the tokens after the last whole sample are left over.
    """

    type = "mixwright"
    name = "samples"

    def __init__(
        self, tokenised: Path, placed: Placed, length: int, dtype: np.dtype, folder: Path, listed: Path
    ) -> None:
        """listed: a folder beside, for what each rank wrote into each part; `index_samples` reads it."""
        super().__init__()
        self.tokenised, self.placed, self.length = tokenised, tuple(as_tokenised(placed).items()), length
        self.dtype, self.folder, self.listed = dtype, folder, listed

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes shards; yields nothing."""
        paths: dict[str, list[Path]] = {}
        for path, part, _ in rank_files(self.tokenised, rank, dict(self.placed)):
            paths.setdefault(part, []).append(path)
        encoding = (f"ndarray:int32:{self.length}", 4 * self.length)  # int32: what llm-foundry's own converter writes
        for part, files in paths.items():
            folder = self.folder / part
            folder.mkdir(parents=True, exist_ok=True)
            writer = MdsWriter(folder, {"tokens": encoding}, rank_name(rank))
            for sample in self._samples(files):
                writer.add({"tokens": sample.astype("<i4").tobytes()})
            write_aside(self.listed / part / f"{rank_name(rank)}.json", json.dumps(writer.close()).encode())
        return iter(())

    def _samples(self, files: list[Path]) -> Iterator[np.ndarray]:
        left = np.empty(0, self.dtype)
        for path in files:
            with path.open("rb") as file:
                while content := file.read(self.length * self.dtype.itemsize):
                    left = np.concatenate([left, np.frombuffer(content, self.dtype)])
                    if len(left) >= self.length:
                        yield left[: self.length]
                        left = left[self.length :]


def index_samples(folder: Path, listed: Path) -> int:
    """Write the `index.json` of a part's folder over all ranks' shards, as `listed` lists them; returns how many
    samples they hold. A part without any has no folder."""
    files = sorted(listed.glob("*.json"))
    shards = [shard for file in files for shard in json.loads(file.read_bytes())]
    if shards:
        write_aside(folder / INDEX, mds_index(shards))
    elif folder.exists():
        folder.rmdir()
    return sum(shard["samples"] for shard in shards)
