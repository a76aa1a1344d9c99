"""litdata and litgpt: `CombinedStreamingDataset` over folders of Parquet (litdata/streaming/combined.py).

`index.json` is what litdata's `index_parquet_dataset` writes (litdata/streaming/writer.py): files, rows and bytes.
"""

import json
from pathlib import Path

from flows.trainers.handover import HandOver
from flows.trainers.names import part_names
from flows.trainers.texts import write_texts
from flows.trainers.trainer import Place, Trainer, Written

MIX = "mix.json"
MODULE = "mix.py"
CODE = '''"""Draws documents from the recommended mix: `from mix import train`; `for row in train(seed=1): ...`."""

import json
from pathlib import Path

from litdata import CombinedStreamingDataset, StreamingDataset
from litdata.streaming.item_loader import ParquetLoader

MIX = json.loads((Path(__file__).parent / "mix.json").read_text())


class Repeated(StreamingDataset):
    """A dataset that begins anew, in another order, where it ends: litdata would end with its smallest part."""

    def __next__(self):
        try:
            return super().__next__()
        except StopIteration:
            self.set_epoch(self.current_epoch + 1)
            iter(self)
            return super().__next__()


def train(seed=42, columns=("text",)):
    """An endless stream of documents, in which each part has its share of tokens on average."""
    parts = [
        Repeated(source["folder"], item_loader=ParquetLoader(columns=list(columns)), shuffle=True, seed=seed)
        for source in MIX["parts"]
    ]
    shares = [source["weight"] for source in MIX["parts"]]
    return CombinedStreamingDataset(parts, seed=seed, weights=shares, iterate_over_all=False)
'''


def _write(plan: HandOver, place: Place) -> Written:
    shares, names = plan.row_shares, part_names(plan.parts)
    folders = write_texts(plan, place, names)
    if plan.tokenised:
        for name in names:
            _index(place, name)
    sources = [
        {"part": part.name, "folder": folder, "weight": share, "share_of_tokens": part.share}
        for part, folder, share in zip(plan.parts, folders, shares, strict=True)
    ]
    place.write(MIX, json.dumps({"parts": sources}, indent=1))
    place.write(MODULE, CODE)
    usage = [
        "In a program beside `mix.py`:",
        "",
        "    from mix import train",
        "    from litdata import StreamingDataLoader",
        "    loader = StreamingDataLoader(train(seed=1), batch_size=8)",
        "",
        "An item is a document: a list of its columns, here `text`. Tokenise and pack it in your own program.",
        "A part begins anew where it ends, so the stream is endless: end it by steps.",
    ]
    return Written(names, shares, usage)


def _index(place: Place, name: str) -> None:
    """The `index.json` of a part's folder."""
    import pyarrow.parquet as pq

    folder = place.folder / "data" / name
    chunks, columns = [], []
    for path in sorted(folder.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            columns = [str(column.type) for column in file.schema_arrow]
            rows = file.metadata.num_rows
        chunks.append({"chunk_bytes": _size(path), "chunk_size": rows, "filename": path.name, "dim": None})
    config = {
        "compression": None, "chunk_size": None, "chunk_bytes": None, "data_format": columns, "data_spec": None,
        "types": None, "encryption": None, "item_loader": "ParquetLoader",
    }  # fmt: skip
    place.write(f"data/{name}/index.json", json.dumps({"chunks": chunks, "config": config, "updated_at": "0"}))


def _size(path: Path) -> int:
    return path.stat().st_size


TRAINER = Trainer(
    name="litdata",
    title="litdata and litgpt",
    counts="documents",
    explained="A weight counts items, which are documents: the share of tokens, divided by mean tokens per document.",
    write=_write,
    placeholder="DATA/{domain}",
    texts=True,
)
