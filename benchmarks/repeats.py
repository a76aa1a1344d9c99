"""Repeated substrings: ours against a suffix array, on the same text, one core each, in one run.

    python benchmarks/repeats.py [--sample build/sample] [--share 0.1] [--min-bytes 500] [--parts 8]

A share of the sample's texts gets a piece of another text, of one to four times `min-bytes`. The suffix array
(divsufsort) with longest common prefixes (Kasai) over all text is the truth; the same over `parts` of it, texts dealt
in turn, is what a corpus gets that is too large for one. Marking bytes by them is neither timed nor counted in their
memory. Peak memory is VmHWM of a process of its own, its libraries included. Three times the text is the text, its
letters shifted and reversed, and reversed. Linux only.
"""

import argparse
import json
import os
import random
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydivsufsort import divsufsort, kasai
from rich.console import Console
from rich.table import Table

from pipeline.dedup.repeats import find_repeats
from pipeline.dedup.settings import RepeatSettings
from pipeline.dedup.windows import SEPARATOR
from pipeline.read.lines import lines
from pipeline.store.documents import SCHEMA, write_rows

FILE = 10_000_000  # bytes of text of one file of documents
SHIFTED = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
TIMES: list[Callable[[str], str]] = [str, lambda text: text.translate(SHIFTED)[::-1], lambda text: text[::-1]]
Result = tuple[dict[str, float], int, int]  # CPU seconds by step, peak bytes, bytes of libraries


def plant(sample: Path, share: float, least: int) -> tuple[list[bytes], list[tuple[int, int, int]]]:
    """Texts in the order of the corpus; text, start and end of what was planted, from the first third into the rest."""
    draw = random.Random(0)
    paths = sorted(sample.glob("*/*.jsonl.zst"))
    texts = [json.loads(line)["text"].encode() for path in paths for line in lines(path)]
    draw.shuffle(texts)
    donors = [text for text in texts[: len(texts) // 3] if text.isascii() and len(text) > 4 * least]
    planted = []
    for taker in sorted(draw.sample(range(len(texts) // 3, len(texts)), int(share * len(texts)))):
        donor, size = draw.choice(donors), draw.randrange(least, 4 * least)
        start = draw.randrange(len(donor) - size)
        place = len(texts[taker].decode()[: draw.randrange(len(texts[taker]) + 1)].encode())
        texts[taker] = texts[taker][:place] + donor[start : start + size] + texts[taker][place:]
        planted.append((taker, place, place + size))
    return texts, planted


def write_documents(texts: list[bytes], folder: Path) -> int:
    """Files of about equal size, texts dealt in turn; returns how many."""
    files = max(sum(map(len, texts)) // FILE, 1)
    rest = dict.fromkeys(SCHEMA.names, "")
    for file in range(files):
        rows = (
            {**rest, "id": f"{number:024x}", "bytes": len(texts[number]), "text": texts[number].decode()}
            for number in range(file, len(texts), files)
        )
        write_rows(rows, SCHEMA, folder / "documents" / f"{file:05d}.parquet")
    return files


def peak() -> int:
    """Bytes of memory that this process held at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


def ours(folder: Path, least: int) -> Result:
    """Spans below `folder`; CPU seconds by step, as for all here."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    libraries, seconds = peak(), {}

    def run(name: str, steps: Any, ranks: int) -> None:
        started = time.process_time()
        for rank in range(ranks):
            list(steps[0].run(None, rank, ranks))
        seconds[name] = time.process_time() - started

    find_repeats(folder, [], RepeatSettings(min_bytes=least, max_gap=0), 1, folder, run)
    return seconds, peak(), libraries


def suffix_array(folder: Path, parts: int, least: int) -> Result:
    """(texts' bytes, separators included) whether each is repeated, as `repeated-<parts>.npy`."""
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    libraries, most, seconds = peak(), 0, {"sort": 0.0, "prefixes": 0.0}
    content, ends = np.load(folder / "content.npy"), np.load(folder / "ends.npy")
    sizes = np.diff(ends, prepend=0)
    repeated = np.empty(len(content), dtype=bool)
    for part in range(parts):
        mine = np.repeat(np.arange(len(ends)) % parts == part, sizes)
        text = content[mine]
        times = [time.process_time()]
        suffixes = divsufsort(text)
        times.append(time.process_time())
        common = kasai(text, suffixes)
        times.append(time.process_time())
        for name, spent in zip(seconds, np.diff(times), strict=True):
            seconds[name] += float(spent)
        most = most or peak()  # before our marking, which is not part of the comparison
        repeated[mine] = mark(text, suffixes, common, least)
        del suffixes, common
    np.save(folder / f"repeated-{parts}.npy", repeated)
    return seconds, most, libraries


def mark(text: np.ndarray, suffixes: np.ndarray, common: np.ndarray, least: int) -> np.ndarray:
    """(bytes,) whether a byte lies in a window, inside one text, that has an equal one before it."""
    usable = np.ones(len(text), dtype=bool)
    for place in np.flatnonzero(text == SEPARATOR):
        usable[max(place - least + 1, 0) : place + 1] = False
    joined = common[:-1] >= least  # a suffix with the next one
    member = np.flatnonzero(np.append(joined, False) | np.append(False, joined))
    group = np.cumsum(np.append(True, ~joined)[member])
    places = suffixes[member].astype(np.int64)
    places, group = places[usable[places]], group[usable[places]]
    order = np.lexsort((places, group))
    later = places[order[1:][np.diff(group[order]) == 0]]
    covered = np.bincount(later, minlength=len(text) + 1) - np.bincount(later + least, minlength=len(text) + 1)
    return np.cumsum(covered)[:-1] > 0


def spans_mask(folder: Path, texts: list[bytes], starts: np.ndarray, size: int) -> np.ndarray:
    """(texts' bytes, separators included) whether ours removes each."""
    removed = np.zeros(size, dtype=bool)
    files = len(list((folder / "repeats").glob("*.parquet")))
    for file, row, start, end in pl.read_parquet(folder / "repeats" / "*.parquet").iter_rows():
        at = starts[row * files + file]
        removed[at + start : at + end] = True
    return removed


def main() -> None:
    """Plant, find, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, default=Path("build/sample"))
    parser.add_argument("--share", type=float, default=0.1, help="of texts that get a piece")
    parser.add_argument("--min-bytes", type=int, default=500)
    parser.add_argument("--parts", type=int, default=8, help="of the partitioned suffix array")
    options = parser.parse_args()
    texts, planted = plant(options.sample, options.share, options.min_bytes)
    ends = np.cumsum([len(text) + 1 for text in texts])
    starts = ends - [len(text) + 1 for text in texts]
    with tempfile.TemporaryDirectory() as place:
        once, thrice = Path(place, "once"), Path(place, "thrice")
        files = write_documents(texts, once)
        write_documents([turn(text.decode()).encode() for turn in TIMES for text in texts], thrice)
        np.save(once / "content.npy", np.frombuffer(b"".join(text + bytes([SEPARATOR]) for text in texts), np.uint8))
        np.save(once / "ends.npy", ends)

        def alone(work: Callable[..., Result], *arguments: Any) -> Result:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                return pool.submit(work, *arguments).result()

        whole = alone(suffix_array, once, 1, options.min_bytes)
        parted = alone(suffix_array, once, options.parts, options.min_bytes)
        found = alone(ours, once, options.min_bytes)
        more = alone(ours, thrice, options.min_bytes)
        truth, partial = (np.load(once / f"repeated-{parts}.npy") for parts in (1, options.parts))
        removed = spans_mask(once, texts, starts, len(truth))
    size = sum(map(len, texts))
    asked = np.zeros_like(truth)
    for text, start, end in planted:
        asked[starts[text] + start : starts[text] + end] = True
    table = Table(title=f"{len(texts):,} texts, {size / 1e6:.1f} MB, {files} files; {len(planted):,} pieces planted")
    columns = ("", "CPU seconds", "MB/s", "peak MB", "of libraries", "planted found", "repeats found", "right of found")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    for name, (seconds, most, libraries), times, mask in (
        ("suffix array", whole, 1, truth),
        (f"suffix arrays, {options.parts} parts", parted, 1, partial),
        ("ours", found, 1, removed),
        ("ours, 3 × the text", more, 3, None),
    ):
        spent = sum(seconds.values())
        row = [name, f"{spent:.1f}", f"{times * size / spent / 1e6:.1f}", f"{most / 1e6:.0f}", f"{libraries / 1e6:.0f}"]
        if mask is not None:
            right = [(mask & asked).sum() / asked.sum(), (mask & truth).sum() / truth.sum()]
            row += [f"{share:.3%}" for share in (*right, (mask & truth).sum() / mask.sum())]
        table.add_row(*row)
    console = Console(width=140)
    console.print(table)
    for name, result in (("suffix array", whole), ("ours", found), ("ours, 3 × the text", more)):
        console.print(f"{name}: " + ", ".join(f"{step} {spent:.1f} s" for step, spent in result[0].items()))
    missed, wrong = (truth & ~removed).sum(), (removed & ~truth).sum()
    console.print(
        f"Of {truth.sum():,} repeated bytes ours leaves {missed:,} (parts of characters), {wrong:,} are wrong."
    )


if __name__ == "__main__":
    main()
