"""Decontamination on the sample corpus: speed, recall of planted items by task, and every hit there is.

    python benchmarks/decontaminate.py [build/sample]

Planted is question and answer in the middle of an abstract, verbatim or with some of the words changed for others of
the same abstracts; `question` is the question alone. Whatever is found in the corpus itself is printed to be judged.
"""

import random
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from pipeline.decontamination.decontaminate import build_index
from pipeline.decontamination.questions import find_labels, question
from pipeline.decontamination.settings import DecontaminateSettings
from pipeline.read.page import page_text
from pipeline.read.readers import MAX_DOCUMENT, READERS, Refused
from pipeline.read.sources import Shard
from pipeline.suite import read_suite

PLANTED = 50  # items of each task
RATES = (0, 0.05, 0.1)  # of words changed


def read_texts(folder):
    """Source → texts, pages extracted."""
    texts = defaultdict(list)
    for path in sorted(folder.glob("*/*.*z*")):
        format = "warc" if ".warc" in path.name else "jsonl"
        for found in READERS[format](Shard(source=path.parent.name, url=str(path), format=format), MAX_DOCUMENT):
            if not isinstance(found, Refused):
                meta = found.metadata
                text = page_text(meta["raw"], meta["charset"]) if format == "warc" else found.text
                texts[path.parent.name].append(text or "")
    return texts


def print_speed(index, texts):
    """Documents and bytes a second of one core; the hits."""
    print(f"{'source':14} {'documents':>9} {'MB':>6} {'documents/s':>12} {'MB/s':>6} {'contaminated':>13}")
    hits = []
    for source, documents in texts.items():
        megabytes = sum(len(text.encode()) for text in documents) / 1e6
        started = time.perf_counter()
        found = [index.find(text) for text in documents]
        seconds = time.perf_counter() - started
        hits += [(source, hit) for of_document in found for hit in of_document]
        print(
            f"{source:14} {len(documents):9} {megabytes:6.1f} {len(documents) / seconds:12.0f} "
            f"{megabytes / seconds:6.1f} {sum(map(bool, found)):13}"
        )
    for source, hit in hits:
        print(f"\n{source}: {hit.task} {hit.item}, share {hit.share}\n  {hit.matched[:300]!r}")


def changed(text, rate, other, rng):
    """The text with a share of its words replaced."""
    return re.sub(r"\S+", lambda word: rng.choice(other) if rng.random() < rate else word[0], text)


def print_recall(index, rows, hosts, rng):
    """Share of the planted items that is found."""
    other = [word for text in hosts for word in text.split()]
    short = dict(zip(index.names, index.too_short.tolist(), strict=True))
    names = [*(f"{rate:.0%} changed" for rate in RATES), "question"]
    print(f"\n{'task':28} {'items':>6} {'too short':>9} " + " ".join(f"{name:>11}" for name in names))
    for task in sorted({row["task"] for row in rows}):
        members = [row for row in rows if row["task"] == task]
        labels = find_labels([row["context"] for row in members])
        planted = [row for row in members if not short[task, row["item"]]]
        planted = rng.sample(planted, min(PLANTED, len(planted)))
        shares = []
        for rate, answered in [*((rate, True) for rate in RATES), (0, False)]:
            found = 0
            for row in planted:
                item = f"{question(row['context'], labels).strip()}\n{row['continuation'] if answered else ''}"
                item = changed(item, rate, other, rng)
                first, second = rng.sample(hosts, 2)
                hits = index.find(f"{first}\n{item}\n{second}")
                found += (task, row["item"]) in {(hit.task, hit.item) for hit in hits}
            shares.append(found / len(planted))
        too_short = sum(short[task, row["item"]] for row in members)
        print(f"{task:28} {len(members):6} {too_short:9} " + " ".join(f"{share:11.2f}" for share in shares))


def main() -> None:
    """Index the suite, then print both tables."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/sample")
    rows = list(read_suite(folder / "suite.jsonl.zst"))
    started = time.perf_counter()
    index = build_index(rows, DecontaminateSettings())
    held = sum(part.nbytes for part in vars(index).values() if isinstance(part, np.ndarray))
    print(
        f"{len(rows)} items, {len(index.grams)} n-grams: {time.perf_counter() - started:.1f} s, {held / 1e6:.0f} MB\n"
    )
    texts = read_texts(folder)
    print_speed(index, texts)
    print_recall(index, rows, [text for text in texts["science"] if len(text) > 800][:500], random.Random(5))


if __name__ == "__main__":
    main()
