"""Near-duplicate removal by MinHash as OLMo 3 does it, with the newest of similar documents kept.

Word 5-grams, 26 bands of 11 min-hashes, then true Jaccard similarity of at least 0.8. Two documents of similarity
J share a band with probability 1 − (1 − J¹¹)²⁶ (Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive
Datasets, ch. 3): 0.90 at J = 0.8, 0.9999 at 0.9, 0.01 at 0.5; what shares one is compared in truth.

Three steps. `Signatures`, one rank per file, writes band keys in ascending order and shingle sets. `Candidates`, a
rank a range of keys, compares documents of equal keys: all pairs where at most 50 documents share a key. Larger
groups (page templates) would be quadratic, so there the newest document leads: all others are compared with it,
those similar to it are settled, the newest of the rest leads next, 50 times. `choose_kept` goes through all edges
newest first and removes what is similar to a kept document, so there are no chains.

What is missed: pairs that share no band; in groups larger than 50, pairs of two documents that a leader settled
(unless `choose_kept` finds them through the leader's own keeper), and whatever 50 leaders left over.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from pipeline.dedup.address import Run, rows_of
from pipeline.dedup.jaccard import ShingleSets, document_codes, write_array, write_sets
from pipeline.dedup.keep import NEAR_SCHEMA, choose_kept, newest_first, write_near
from pipeline.dedup.settings import NearSettings
from pipeline.dedup.shingles import band_keys, shingle_sets
from pipeline.store.documents import read_groups, write_parquet
from pipeline.store.files import rank_file, rank_name

CHARACTERS = 1 << 19  # of documents hashed together; half and twice as many are up to 10 % slower (measured)
ROWS = 64  # documents unpacked at a time
GROUP = 50  # documents of one key of which all pairs are compared; leaders of a larger group (assumed)


class Signatures(PipelineStep):
    """Rank r writes shingle sets and band keys of file r's documents that are not lost already."""

    type = "mixwright"
    name = "near_signatures"

    def __init__(self, filtered: Path, lost: Sequence[Path], settings: NearSettings, folder: Path) -> None:
        super().__init__()
        self.filtered, self.lost, self.settings, self.folder = filtered, lost, settings, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Memory holds a batch of texts and, to sort them, the file's band keys: about 1 kB a document."""
        keys = [np.empty((0, self.settings.bands), np.uint64)]
        sizes = [np.empty(0, np.int64)]
        with write_sets(self.folder, rank) as sets:
            for texts in _batches(self._texts(rank)):
                shingles, counts = shingle_sets(texts, self.settings.ngram)
                sets.write(shingles.tobytes())
                sizes.append(counts)
                keys.append(band_keys(shingles, counts[counts > 0], self.settings.bands, self.settings.rows))
        by_row = np.concatenate(sizes)
        name = f"{rank_name(rank)}.npy"
        write_array(np.concatenate([[0], np.cumsum(by_row)]), self.folder / "shingles" / name)
        all_keys = np.concatenate(keys).ravel()
        rows = np.repeat(np.flatnonzero(by_row).astype(np.uint32), self.settings.bands)
        order = np.argsort(all_keys, kind="stable")
        write_array(rows[order], self.folder / "bands" / "rows" / name)
        write_array(all_keys[order], self.folder / "bands" / "keys" / name)
        return iter(())

    def _texts(self, file: int) -> Iterator[str]:
        """Texts in order of rows, empty where a document is lost."""
        lost, row = rows_of(self.lost, file), 0
        for table in read_groups(rank_file(self.filtered / "documents", file), ["text"]):
            for text in table["text"].to_pylist():
                yield "" if row in lost else text
                row += 1


def _batches(texts: Iterator[str]) -> Iterator[list[str]]:
    """Texts packed together until they reach CHARACTERS."""
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text) + 1
        if characters >= CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class Candidates(PipelineStep):
    """Rank r of n compares documents that share a key in the r-th nth of all keys: `edges/<r>.parquet`."""

    type = "mixwright"
    name = "near_candidates"

    def __init__(self, filtered: Path, settings: NearSettings, folder: Path) -> None:
        super().__init__()
        self.filtered, self.settings, self.folder = filtered, settings, folder

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """All documents of a key lie in one rank, so the union of all edges is the same for any n."""
        shared = self._shared_keys(rank, world_size).with_columns(crowded=pl.len().over("key") > GROUP)
        places = newest_first(self.filtered, shared.filter("crowded")["document"].unique().to_numpy())
        ordered = shared.join(places, on="document", how="left").sort("key", "place", "document")
        verified = _compare(ordered, self.settings.jaccard, ShingleSets(self.folder))
        edges = verified.filter(pl.col("jaccard") >= self.settings.jaccard).sort("a", "b")
        write_parquet(edges, rank_file(self.folder / "edges", rank))
        return iter(())

    def _shared_keys(self, rank: int, world_size: int) -> pl.DataFrame:
        """(key, document) of the rank's keys that several documents have."""
        first, last = ((rank << 64) // world_size, ((rank + 1 << 64) // world_size) - 1)
        keys, documents = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for path in sorted((self.folder / "bands" / "keys").glob("*.npy")):
            held = np.load(path, mmap_mode="r")
            in_range = slice(np.searchsorted(held, np.uint64(first)), np.searchsorted(held, np.uint64(last), "right"))
            keys.append(held[in_range].copy())  # a view would hold the file open
            rows = np.load(self.folder / "bands" / "rows" / path.name, mmap_mode="r")
            documents.append(document_codes(int(path.stem), rows[in_range]))
        frame = pl.DataFrame({"key": np.concatenate(keys), "document": np.concatenate(documents)})
        return frame.filter(pl.col("key").is_duplicated())


def _compare(shared: pl.DataFrame, threshold: float, sets: ShingleSets) -> pl.DataFrame:
    """(a, b, jaccard) of the pairs that are compared, each once.

    In each of GROUP rounds a key's first document leads and is compared with all behind it. Then it leaves, in a
    crowded key with all that are similar to it.

    Args:
        shared: (key, document, crowded), each crowded key's documents newest first.
        threshold: similarity from which on documents count as similar.
        sets: the documents' shingles.
    """
    verified = pl.DataFrame(schema={"a": pl.UInt64, "b": pl.UInt64, "jaccard": pl.Float64})
    rest = shared
    for _ in range(GROUP):
        leader, other = pl.col("document").first().over("key"), pl.col("document")
        pairs = rest.with_columns(a=pl.min_horizontal(leader, other), b=pl.max_horizontal(leader, other))
        pairs = pairs.filter(pl.col("a") != pl.col("b"))
        if pairs.is_empty():
            break
        fresh = pairs.select("a", "b").unique().join(verified, on=["a", "b"], how="anti").sort("a", "b")
        similarity = sets.jaccard(fresh["a"].to_numpy(), fresh["b"].to_numpy())
        verified = pl.concat([verified, fresh.with_columns(jaccard=pl.Series(similarity, dtype=pl.Float64))])
        judged = pairs.join(verified, on=["a", "b"], maintain_order="left")
        settled = pl.col("crowded") & (pl.col("jaccard") >= threshold)
        rest = judged.filter(~settled).select("key", "document", "crowded")
    return verified


def find_near(
    filtered: Path, lost: Sequence[Path], settings: NearSettings, partitions: int, folder: Path, run: Run
) -> None:
    """Write `near/<file>.parquet` for every file of `filtered`: its near duplicates, and what stays in their place.

    What is written is the same for any number of partitions and workers. It appears at once, at the end, and what
    it was made from is deleted then; a killed run goes on with the ranks that `run` has not finished.

    Args:
        filtered: a stage with `documents/<file>.parquet`.
        lost: folders of tables whose columns file and row name documents to leave out.
        settings: what near means.
        partitions: parts that the band keys are dealt into; memory of a part is bounded by its share of the keys.
        folder: where to work and write.
        run: runs datatrove steps over ranks: (name, steps, ranks).
    """
    if not (folder / "near").exists():
        files = len(list((filtered / "documents").glob("*.parquet")))
        if settings.enabled:
            run("signatures", [Signatures(filtered, lost, settings, folder)], files)
            run("candidates", [Candidates(filtered, settings, folder)], partitions)
            choose_kept(filtered, folder, settings.jaccard)
        else:
            write_near(filtered, pl.DataFrame(schema=NEAR_SCHEMA), folder)
    for made in ("bands", "shingles", "edges"):
        shutil.rmtree(folder / made, ignore_errors=True)
