"""Repeated passages: what is found in texts, and what is truly repeated, found the slow way."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from datatrove.pipeline.base import PipelineStep

from pipeline.dedup import repeats
from pipeline.dedup.repeats import RepeatSettings, find_repeats
from pipeline.store.documents import SCHEMA, content_hash, write_rows

Text = tuple[str, str, str]  # id, date, text


def small(length: int, max_gap: int = 0) -> RepeatSettings:
    """Settings with windows shorter than a user may ask for, so that small texts are full of repeats."""
    return RepeatSettings.model_construct(enabled=True, min_bytes=length, max_gap=max_gap)


def in_order(texts: Sequence[Text]) -> list[Text]:
    """Newest first, ties by id."""
    return sorted(sorted(texts), key=lambda text: text[1], reverse=True)


def truth(texts: Sequence[Text], length: int) -> dict[str, np.ndarray]:
    """Id → (bytes,) whether a byte lies in a window that has an equal one earlier."""
    seen: set[bytes] = set()
    removed = {}
    for id, _, text in in_order(texts):
        content = text.encode()
        removed[id] = np.zeros(len(content), dtype=bool)
        for start in range(len(content) - length + 1):
            window = content[start : start + length]
            removed[id][start : start + length] |= window in seen
            seen.add(window)
    return removed


def write_texts(texts: Sequence[Text], files: int, folder: Path) -> Path:
    """A stage of documents, dealt into files in turn."""
    rows = [
        {
            "id": id, "source": "x", "url": "", "date": date, "hash": content_hash(text),
            "bytes": len(text.encode()), "attributes": "{}", "text": text,
        }
        for id, date, text in texts
    ]  # fmt: skip
    for file in range(files):
        write_rows(rows[file::files], SCHEMA, folder / "documents" / f"{file:05d}.parquet")
    return folder


def run_here(name: str, steps: Sequence[PipelineStep], ranks: int) -> None:
    for rank in range(ranks):
        for step in steps:
            list(step.run(None, rank, ranks))


def spans_by_id(documents: Path, folder: Path) -> dict[str, list[tuple[int, int]]]:
    """What find_repeats wrote, checked to be sorted and disjoint."""
    found = {}
    for path in sorted((documents / "documents").glob("*.parquet")):
        ids = pl.read_parquet(path, columns=["id"])["id"].to_list()
        frame = pl.read_parquet(folder / "repeats" / path.name)
        assert frame.schema == repeats.SCHEMA
        assert frame["file"].unique().to_list() in ([], [int(path.stem)])
        assert frame.rows() == sorted(frame.rows())
        for row, id in enumerate(ids):
            found[id] = frame.filter(pl.col("row") == row).select("start", "end").rows()
            edges = [place for span in found[id] for place in span]
            assert edges == sorted(set(edges))
    return found


def find(texts: Sequence[Text], settings: RepeatSettings, folder: Path, files: int = 3, partitions: int = 2) -> dict:
    shutil.rmtree(folder, ignore_errors=True)
    documents = write_texts(texts, files, folder / "documents")
    find_repeats(documents, [], settings, partitions, folder / "out", run_here)
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["repeats"]
    return spans_by_id(documents, folder / "out")


def masks(texts: Sequence[Text], spans: dict[str, list[tuple[int, int]]]) -> dict[str, np.ndarray]:
    """Id → (bytes,) whether a byte is removed."""
    removed = {id: np.zeros(len(text.encode()), dtype=bool) for id, _, text in texts}
    for id, found in spans.items():
        for start, end in found:
            removed[id][start:end] = True
    return removed


def whole_characters(text: str, removed: np.ndarray) -> np.ndarray:
    """Without the bytes of characters that are not removed as a whole."""
    first = np.array([byte & 0xC0 != 0x80 for byte in text.encode()], dtype=bool)
    character = np.cumsum(first) - 1
    whole = np.ones(len(text), dtype=bool)
    whole[character[~removed]] = False
    return whole[character]


def assert_true(texts: Sequence[Text], length: int, folder: Path, **options: int) -> int:
    """Spans are exactly those of the truth; returns the bytes removed."""
    removed = masks(texts, find(texts, small(length), folder, **options))
    for (id, expected), (_, _, text) in zip(
        sorted(truth(texts, length).items()), sorted(texts, key=lambda text: text[0]), strict=True
    ):
        np.testing.assert_array_equal(removed[id], whole_characters(text, expected), err_msg=id)
    return int(sum(mask.sum() for mask in removed.values()))
