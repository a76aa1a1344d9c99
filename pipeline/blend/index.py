"""Step 1 of a blend: one small row for every document of the pool's training split, in the pool's own order."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.blend.layout import read_about
from pipeline.blend.rows import ROW
from pipeline.errors import PipelineError
from pipeline.pool.check_tokens import undamaged_pages
from pipeline.pool.pool import TRAIN
from pipeline.store.documents import read_groups
from pipeline.store.files import rank_file, rank_name
from pipeline.store.writing import written_aside

GROUPS = 10  # row groups read at once
COLUMNS = ("id", "domain", "bucket", "split", "tokens")


class IndexDocuments(PipelineStep):
    """Rank r writes `<rank>.npy` of the pool's file r."""

    type = "mixwright"
    name = "blend-index"

    def __init__(self, about: Path, folder: Path) -> None:
        super().__init__()
        self.about, self.folder = about, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes the index; yields nothing."""
        about = read_about(self.about)
        numbers = {bucket.place: number for number, bucket in enumerate(about.buckets)}
        rows, first = [np.empty(0, ROW)], 0
        path = rank_file(about.tokenised / "pool", rank)
        with undamaged_pages(about.tokenised, path.name):
            for table in read_groups(path, COLUMNS, GROUPS):
                columns = [table[name].to_pylist() for name in COLUMNS]
                rows.append(_rows(columns, first, numbers))
                first += len(table)
        with written_aside(self.folder / f"{rank_name(rank)}.npy") as aside, aside.open("wb") as out:
            np.save(out, np.concatenate(rows))
        return iter(())


def _rows(columns: list[list], first: int, numbers: dict[tuple[str, int], int]) -> np.ndarray:
    """Rows of the training split; numbers: (domain, bucket) → number of the bucket in the blend."""
    ids, domains, buckets, splits, tokens = columns
    rows = np.empty(len(ids), ROW)
    try:
        parts = np.frombuffer(bytes.fromhex("".join(ids)), dtype=[("id", ">u8"), ("rest", ">u4")])
        rows["id"], rows["rest"] = parts["id"], parts["rest"]
    except ValueError:
        raise PipelineError("pool: a document's id is not what was written — run `mixwright prepare` again") from None
    rows["row"] = np.arange(first, first + len(ids))
    rows["tokens"] = tokens
    rows["bucket"] = [numbers.get(place, 0) for place in zip(domains, buckets, strict=True)]  # 0: held out
    return rows[np.array([split == TRAIN for split in splits], dtype=bool)]
