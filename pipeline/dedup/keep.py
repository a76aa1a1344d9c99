"""Decides which of similar documents stays: the newest, ties by id.

Documents are judged newest first, and one is removed when it is similar to a document already kept. So whatever is
removed has a kept document of true Jaccard similarity at or above the threshold (no chains), and no edge joins two
kept documents. A document whose newer neighbours were all removed is also compared with those that stay in their
place: banding may have missed that pair, and a large group's leader may itself have been removed.
"""

import shutil
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.dedup.jaccard import ShingleSets, file_and_row
from pipeline.store.documents import write_parquet
from pipeline.store.files import rank_file
from pipeline.store.writing import rename

NEAR_SCHEMA = {
    "file": pl.Int32,
    "row": pl.Int64,  # within the file
    "id": pl.String,
    "kept": pl.String,  # id of the document that stays
    "jaccard": pl.Float64,  # similarity of the two
}


def newest_first(filtered: Path, documents: np.ndarray) -> pl.DataFrame:
    """(document, id, place): documents (codes) by date, newest first and undated last, ties by id."""
    files, rows = file_and_row(documents)
    tables = [pl.DataFrame(schema={"id": pl.String, "date": pl.String, "document": pl.UInt64})]
    for file in np.unique(files):
        in_file = files == file
        table = pl.read_parquet(rank_file(filtered / "documents", file), columns=["id", "date"])
        tables.append(table[rows[in_file]].with_columns(document=pl.Series(documents[in_file])))
    ordered = pl.concat(tables).sort("date", "id", "document", descending=[True, False, False])
    return ordered.select("document", "id", place=pl.int_range(pl.len()))


def choose_kept(filtered: Path, folder: Path, threshold: float) -> None:
    """Write `near/` from `edges/` and the shingle sets; memory holds the documents that have an edge."""
    edges = pl.read_parquet(folder / "edges" / "*.parquet").unique()
    ordered = newest_first(filtered, pl.concat([edges["a"], edges["b"]]).unique().to_numpy())
    placed = edges.join(ordered, left_on="a", right_on="document").join(ordered, left_on="b", right_on="document")
    pair = ("place", "place_right")
    by_age = placed.select(newer=pl.min_horizontal(pair), older=pl.max_horizontal(pair), jaccard="jaccard")
    documents, sets = ordered["document"].to_numpy(), ShingleSets(folder)

    def similarity(place: int, others: list[int]) -> np.ndarray:
        return sets.jaccard(np.repeat(documents[place], len(others)), documents[others])

    removed = judge(by_age.sort("older", "newer").iter_rows(), similarity, threshold)
    files, rows = file_and_row(documents[list(removed)])
    columns = {
        "file": files,
        "row": rows,
        "id": ordered["id"].gather(list(removed)),
        "kept": ordered["id"].gather([keeper for keeper, _ in removed.values()]),
        "jaccard": [similarity for _, similarity in removed.values()],
    }
    write_near(filtered, pl.DataFrame(columns, schema=NEAR_SCHEMA), folder)


def judge(
    edges: Iterable[tuple[int, int, float]], similarity: Callable[[int, list[int]], np.ndarray], threshold: float
) -> dict[int, tuple[int, float]]:
    """Removed document → (kept document, their similarity), documents numbered newest first.

    Args:
        edges: (newer, older, similarity), by older, then by newer.
        similarity: (others,) similarities of a document with others.
        threshold: similarity from which on the older one is removed.
    """
    removed: dict[int, tuple[int, float]] = {}
    for document, group in groupby(edges, key=itemgetter(1)):
        neighbours = [(newer, value) for newer, _, value in group]
        kept = [(newer, value) for newer, value in neighbours if newer not in removed]
        if not kept:
            keepers = sorted({removed[newer][0] for newer, _ in neighbours})
            values = similarity(document, keepers)
            kept = [(keeper, float(value)) for keeper, value in zip(keepers, values, strict=True) if value >= threshold]
        if kept:
            removed[document] = kept[0]
    return removed


def write_near(filtered: Path, removed: pl.DataFrame, folder: Path) -> None:
    """Write `near/<file>.parquet` for every file of `filtered`; all of them appear at once."""
    aside = folder / ".near"
    shutil.rmtree(aside, ignore_errors=True)
    by_file = removed.sort("file", "row").partition_by("file", as_dict=True)
    for path in (filtered / "documents").glob("*.parquet"):
        write_parquet(by_file.get((int(path.stem),), removed.clear()), aside / path.name)
    rename(aside, folder / "near")
