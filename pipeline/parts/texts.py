"""Documents as text, a folder of Parquet files for each part: for trainers that tokenise themselves."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.parts.placed import Placed, as_tokenised
from pipeline.store.documents import read_groups
from pipeline.store.files import rank_file, rank_name
from pipeline.store.writing import written_aside

BUFFERED = 16 << 20  # bytes of text, of all parts together, that wait to be written
SCHEMA = pa.schema([("id", pa.string()), ("domain", pa.string()), ("tokens", pa.int64()), ("text", pa.string())])


def domains_without_text(tokenised: Path) -> set[str]:
    """Domains with documents that came as tokens, whose text the pool does not have."""
    domains: set[str] = set()
    for path in sorted((tokenised / "pool").glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            place = file.schema_arrow.names.index("text")
            for number in range(file.num_row_groups):
                column = file.metadata.row_group(number).column(place)
                if column.statistics is None or column.statistics.null_count:
                    table = file.read_row_group(number, columns=["domain", "text"])
                    domains.update(table.filter(table["text"].is_null())["domain"].to_pylist())
    return domains


class WriteTexts(PipelineStep):
    """Rank r writes the documents of rank r of the pool, one Parquet file per part that has any."""

    type = "mixwright"
    name = "texts"

    def __init__(self, tokenised: Path, placed: Placed, folder: Path) -> None:
        super().__init__()
        self.tokenised, self.placed, self.folder = tokenised, tuple(as_tokenised(placed).items()), folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Writes Parquet files, each whole or not there; yields nothing."""
        with ExitStack() as open_files:
            writers: dict[str, pq.ParquetWriter] = {}
            for part, rows in self._groups(rank):
                if part not in writers:
                    aside = open_files.enter_context(written_aside(rank_file(self.folder / part, rank)))
                    writers[part] = open_files.enter_context(pq.ParquetWriter(aside, SCHEMA, compression="zstd"))
                writers[part].write_table(pa.Table.from_pylist(rows, SCHEMA))
        return iter(())

    def _groups(self, rank: int) -> Iterator[tuple[str, list[dict]]]:
        """(folder of the part, rows), whenever enough text has come together."""
        placed = dict(self.placed)
        groups: dict[str, list[dict]] = {}
        buffered = 0
        path = self.tokenised / "pool" / f"{rank_name(rank)}.parquet"
        for table in read_groups(path, [*SCHEMA.names, "bucket", "split"]):
            for row in table.to_pylist():
                part = placed.get((row["domain"], row["bucket"], row["split"]))
                if part is not None:
                    groups.setdefault(part, []).append({name: row[name] for name in SCHEMA.names})
                    buffered += len(row["text"])
            if buffered > BUFFERED:
                yield from groups.items()
                groups, buffered = {}, 0
        yield from groups.items()
