"""Step 4 of a blend, the second pass of its shuffle: every rank sorts the piles of one shard and writes them."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.blend.formats.kind import Shard, Written
from pipeline.blend.formats.registry import format_named
from pipeline.blend.layout import read_about, read_choice
from pipeline.blend.piles import read_pile
from pipeline.store.files import rank_name
from pipeline.store.writing import written_aside

RECORD = "shard.json"


class WriteShards(PipelineStep):
    """Rank s writes the folder `<s>`: the shard's files, and what they hold.

    scattered: folder of the piles.
    """

    type = "mixwright"
    name = "blend-write"

    def __init__(self, about: Path, choice: Path, scattered: Path, folder: Path) -> None:
        super().__init__()
        self.about, self.choice, self.scattered, self.folder = about, choice, scattered, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes the shard; yields nothing."""
        about, count = read_about(self.about), read_choice(self.choice).piles
        with written_aside(self.folder / rank_name(rank)) as aside:
            aside.mkdir(exist_ok=True)
            shard, first = Shard(aside, rank, about), rank * count
            piles = (read_pile(self.scattered, about.ranks, pile) for pile in range(first, first + count))
            extra = format_named(about.format_name).write(shard, piles)
            (aside / RECORD).write_text(json.dumps(asdict(shard.written(extra))))
        return iter(())


def read_written(folder: Path, shard: int) -> Written:
    """What a finished shard says of itself."""
    return Written(**json.loads((folder / rank_name(shard) / RECORD).read_bytes()))
