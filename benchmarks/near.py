"""Near-duplicate removal: recall and precision against brute-force truth, and speed against datatrove's MinHash.

    POLARS_MAX_THREADS=1 taskset -c 0 python benchmarks/near.py

Pieces of 200 to 400 words of the sample's real documents, and edited copies of some of them. Truth needs none of
our code: words by `re`, 5-grams as tuples, every pair of similarity ≥ 0.8 by prefix filtering (Bayardo, Ma,
Srikant 2007: two such sets share one of the rarest fifth of either's members). datatrove's step wants spacy and
xxhash < 4.
"""

import argparse
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import orjson
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from rich.console import Console
from rich.table import Table

from pipeline.dedup.near import Signatures, find_near
from pipeline.dedup.settings import NearSettings
from pipeline.dedup.shingles import band_keys, shingle_sets
from pipeline.executor.run import run_steps
from pipeline.executor.settings import ExecutorSettings
from pipeline.read.lines import lines
from pipeline.store.documents import SCHEMA, content_hash, write_rows

SETTINGS = NearSettings()
KINDS = {  # share of words that are replaced, and whether in one run
    "1 % of words, scattered": (0.01, False),
    "2 % of words, scattered": (0.02, False),
    "5 % of words, one run": (0.05, True),
    "10 % of words, one run": (0.10, True),
}
NATURAL = "natural"
FILES = 2


def pieces(sample: Path, wanted: int, rng: random.Random) -> list[list[str]]:
    """Distinct runs of 200 to 400 words of real documents."""
    found = {}
    for shard in sorted(sample.glob("*/*.jsonl.zst")):
        for line in lines(shard):
            words = orjson.loads(line)["text"].split()
            for begin in range(0, len(words) - 199, 400):
                piece = words[begin : begin + 400]
                found[" ".join(piece)] = piece
    return rng.sample(list(found.values()), wanted)


def edited(words: list[str], share: float, in_a_run: bool, corpus: list[list[str]], rng: random.Random) -> list[str]:
    """A copy with a share of its words replaced by words of other pieces."""
    first, size = rng.randrange(len(words)), round(share * len(words))
    copy = list(words)
    for place in range(len(words)):
        if (place - first) % len(words) < size if in_a_run else rng.random() < share:
            copy[place] = rng.choice(rng.choice(corpus))
    return copy


def ngrams(text: str) -> np.ndarray:
    """A text's distinct word 5-grams, as numbers that hold within this process; ascending."""
    words = re.findall(r"\w+", text.lower())
    return np.unique(np.fromiter(map(hash, zip(*(words[i:] for i in range(5)), strict=False)), np.int64))


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Jaccard similarity by definition."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)


def similar_pairs(sets: list[np.ndarray]) -> dict[tuple[int, int], float]:
    """All pairs of similarity ≥ 0.8, by prefix filtering."""
    sizes = np.fromiter(map(len, sets), np.int64)
    members = pl.DataFrame({"set": np.repeat(np.arange(len(sets)), sizes), "member": np.concatenate(sets)})
    rare = members.with_columns(often=pl.len().over("member")).sort("set", "often", "member")
    prefix = rare.with_columns(place=pl.int_range(pl.len()).over("set"), size=pl.len().over("set"))
    prefix = prefix.filter(pl.col("place") <= pl.col("size") * 0.2, pl.col("often") > 1).select("set", "member")
    pairs = prefix.join(prefix, on="member").filter(pl.col("set") < pl.col("set_right")).select("set", "set_right")
    found = {}
    for a, b in pairs.unique().sort("set", "set_right").iter_rows():
        if 0.8 * sizes[a] <= sizes[b] <= sizes[a] / 0.8 and (value := similarity(sets[a], sets[b])) >= 0.8:
            found[a, b] = value
    return found


def write_stage(texts: list[str], originals: int, folder: Path) -> None:
    """The texts as a stage's documents, numbered by id; the originals are the newer ones."""
    rows = [
        {"id": f"{n:06d}", "source": "x", "url": "", "date": "2024" if n < originals else "2023",
         "hash": content_hash(text), "bytes": len(text.encode()), "attributes": "{}", "text": text}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    for file in range(FILES):
        write_rows(rows[file::FILES], SCHEMA, folder / "documents" / f"{file:05d}.parquet")


def remove_near(stage: Path, folder: Path) -> tuple[set[tuple[int, int]], pl.DataFrame, dict[str, float]]:
    """(pairs found, by number; what is removed; seconds by step)."""
    seconds: dict[str, float] = {}
    pairs: set[tuple[int, int]] = set()

    def run(name: str, steps: list, ranks: int) -> None:
        began = time.perf_counter()
        run_steps("deduplicate", steps, ranks, folder / "logs" / name, ExecutorSettings(workers=1))
        seconds[name] = time.perf_counter() - began
        if name == "candidates":
            edges = pl.read_parquet(folder / "edges" / "*.parquet")
            numbers = [edges[side].to_numpy() for side in "ab"]
            numbers = [((codes & 0xFFFFFFFF) * FILES + (codes >> 32)).tolist() for codes in numbers]
            pairs.update((min(pair), max(pair)) for pair in zip(*numbers, strict=True))

    began = time.perf_counter()
    find_near(stage, None, SETTINGS, 4, folder, run)
    seconds["in all"] = time.perf_counter() - began
    return pairs, pl.read_parquet(folder / "near" / "*.parquet"), seconds


def seconds_of(work: Callable[[], object]) -> float:
    """Processor time that it takes, which neighbours on the machine do not stretch."""
    began = time.process_time()
    work()
    return time.process_time() - began


def recall_table(
    kinds: list[tuple[str, int, int]], sets: list[np.ndarray], pairs: set[tuple[int, int]], removed: pl.DataFrame
) -> Table:
    """A row a kind of pair; `kinds` holds (kind, number, number) of every planted and every natural similar pair."""
    kept = {int(row["id"]): int(row["kept"]) for row in removed.iter_rows(named=True)}
    right = sum(similarity(sets[id], sets[other]) >= SETTINGS.jaccard for id, other in kept.items())
    table = Table(
        "kind", "pairs", "J ≥ 0.8", "mean J", "found", "theory", "z", "removed", title="recall", title_style=""
    )
    for kind in [*KINDS, NATURAL]:
        mine = [(a, b) for name, a, b in kinds if name == kind]
        true = {pair: value for pair in mine if (value := similarity(sets[pair[0]], sets[pair[1]])) >= 0.8}
        chance = 1 - (1 - np.array(list(true.values())) ** SETTINGS.rows) ** SETTINGS.bands
        found = sum(pair in pairs for pair in true)
        deviation = np.sqrt((chance * (1 - chance)).sum()) or 1.0
        gone = sum(a in kept or b in kept for a, b in true)
        table.add_row(
            kind, f"{len(mine):,}", f"{len(true):,}", f"{np.mean(list(true.values())):.3f}",
            f"{found / len(true):.2%}", f"{chance.mean():.2%}", f"{(found - chance.sum()) / deviation:+.1f}",
            f"{gone / len(true):.2%}",
        )  # fmt: skip
    table.caption = f"precision {right / len(kept):.2%} of {len(kept):,} removed documents"
    return table


def curve_table(corpus: list[list[str]], rng: random.Random) -> Table:
    """Agreement of bands over the whole range of similarities, 1,000 pairs a row."""
    table = Table("mean J", "bands agree", "theory", "one agrees", "theory", title="the curve", title_style="")
    for share in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        chosen = rng.sample(corpus, 1_000)
        copies = [edited(words, share, True, corpus, rng) for words in chosen]
        texts = [[" ".join(words) for words in side] for side in (chosen, copies)]
        keys = [band_keys(*shingle_sets(side, SETTINGS.ngram), SETTINGS.bands, SETTINGS.rows) for side in texts]
        agree = keys[0] == keys[1]  # (pairs, bands)
        true = np.array([similarity(ngrams(a), ngrams(b)) for a, b in zip(*texts, strict=True)])
        band = true**SETTINGS.rows
        one = 1 - (1 - band) ** SETTINGS.bands
        table.add_row(
            f"{true.mean():.3f}", f"{agree.mean():.4f}", f"{band.mean():.4f}",
            f"{agree.any(axis=1).mean():.3f}", f"{one.mean():.3f}",
        )  # fmt: skip
    return table


def speed_table(texts: list[str], stage: Path, folder: Path, peer_documents: int) -> Table:
    """Signatures on one core: ours with reading and writing, datatrove's from documents in memory."""

    def ours() -> None:
        for file in range(FILES):
            Signatures(stage, None, SETTINGS, folder / "ours").run(None, file, FILES)

    def peers(tokenizer: object = None) -> None:
        config = MinhashConfig(n_grams=SETTINGS.ngram, num_buckets=SETTINGS.bands, hashes_per_bucket=SETTINGS.rows)
        step = MinhashDedupSignature(str(folder / "peer"), config)
        step.word_tokenizer = tokenizer or step.word_tokenizer
        step.run(_documents(texts[:peer_documents]), 0, 1)

    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    table = Table("signatures", "documents", "CPU s", "documents/s", "MB/s", "×", title="speed", title_style="")
    count = min(peer_documents, len(texts))
    rows = [
        ("ours, read from Parquet", min(seconds_of(ours) for _ in range(3)), len(texts)),
        ("datatrove's, in memory", seconds_of(peers), count),
        ("datatrove's, split at blanks, not by spacy", seconds_of(lambda: peers(SplitAtBlanks())), count),
    ]
    slowest = rows[1][2] / rows[1][1]
    for name, seconds, count in rows:
        rate = count / seconds
        table.add_row(
            name, f"{count:,}", f"{seconds:.2f}", f"{rate:,.0f}", f"{rate * megabytes / len(texts):.1f}",
            f"{rate / slowest:.1f}",
        )  # fmt: skip
    names = ("numpy", "polars", "datatrove", "spacy", "xxhash")
    table.caption = ", ".join(f"{name} {version(name)}" for name in names)
    return table


class SplitAtBlanks:
    """In the place of datatrove's tokenizer, to see what the rest of its step takes."""

    def word_tokenize(self, text: str) -> list[str]:
        """Words."""
        return text.split()


def _documents(texts: list[str]) -> Iterator[Document]:
    for number, text in enumerate(texts):
        yield Document(text=text, id=str(number))


def main() -> None:
    """Build the corpus, remove near duplicates, print what is true of the outcome, then time both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, default=Path("build/sample"), help="what `make sample` built")
    parser.add_argument("--documents", type=int, default=20_000, help="real pieces")
    parser.add_argument("--planted", type=int, default=1_000, help="edited copies of each kind")
    parser.add_argument("--peer-documents", type=int, default=24_000, help="how many datatrove's step is timed on")
    arguments = parser.parse_args()
    rng = random.Random(0)
    corpus = pieces(arguments.sample, arguments.documents, rng)
    words, kinds = list(corpus), []
    chosen = iter(rng.sample(range(len(corpus)), len(KINDS) * arguments.planted))
    for kind, (share, in_a_run) in KINDS.items():
        for _ in range(arguments.planted):
            kinds.append((kind, original := next(chosen), len(words)))
            words.append(edited(corpus[original], share, in_a_run, corpus, rng))
    texts = [" ".join(piece) for piece in words]
    sets = [ngrams(text) for text in texts]
    planted = {(a, b) for _, a, b in kinds}
    kinds += [(NATURAL, a, b) for a, b in similar_pairs(sets) if (a, b) not in planted]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_stage(texts, len(corpus), folder / "stage")
        pairs, removed, seconds = remove_near(folder / "stage", folder / "work")
        console = Console(width=110)
        lengths = [len(text) for text in texts]
        console.print(f"{len(texts):,} documents, {np.mean(lengths):,.0f} characters and ", end="")
        console.print(f"{np.mean([len(s) for s in sets]):.0f} distinct 5-grams on average")
        console.print(recall_table(kinds, sets, pairs, removed))
        console.print(curve_table(corpus, rng))
        console.print("find_near, seconds: " + ", ".join(f"{name} {value:.2f}" for name, value in seconds.items()))
        console.print(speed_table(texts, folder / "stage", folder, arguments.peer_documents))


if __name__ == "__main__":
    main()
