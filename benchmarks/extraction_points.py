"""Fits the table of points by which pipeline/read/blocks tells main content from the rest of a page.

    .venv/bin/python benchmarks/extraction_points.py --articles ARTICLES --snippets SNIPPETS --types TYPES

The three folders are clones of public sets of annotated pages; half of the hosts of the first two, and the third's own
test pages, are never looked at (benchmarks/extraction.py measures on them):

    ARTICLES  github.com/scrapinghub/article-extraction-benchmark, annotations under the MIT licence
    SNIPPETS  github.com/adbar/trafilatura, tests/: annotations under the Apache licence 2.0
    TYPES     github.com/Murrough-Foley/web-content-extraction-benchmark, annotations under CC BY 4.0

A block's label is the share of its word 4-grams that the page's gold text holds; a block of fewer words must stand
there beside its neighbour's words. Snippets label the blocks that contain them. A logistic regression weighs them.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from extraction import Page, fold, is_held_out, read_articles, read_snippets, read_types, words_in
from resiliparse.parse.encoding import bytes_to_str, detect_encoding
from sklearn.linear_model import LogisticRegression

from pipeline.read.blocks.columns import columns_of
from pipeline.read.blocks.points import SHORT, TABLE, names_of, words_of
from pipeline.read.blocks.walk import Blocks, blocks_of

MIN_PAGES = 30  # pages on which a name or word must occur, so that no host has its own
STRENGTH = 0.1  # scikit-learn's C: less regularisation is worse on hosts left out (measured: 0.3 by 0.002)
SMALLEST = 5  # points; what is worth less is left out of names and words
OF_ARTICLES, OF_OTHER_TYPES, OF_A_SNIPPET = 3.0, 0.5, 0.06  # weights, against an article of TYPES (assumed)
SOURCE = (
    "fitted by benchmarks/extraction_points.py on the pages of three public sets that are not held out; annotations by "
    "Scrapinghub (article-extraction-benchmark, MIT), by Adrien Barbaresi and others (trafilatura, tests/, Apache 2.0) "
    "and by Murrough Foley (Web Content eXtraction Benchmark, CC BY 4.0)"
)
PROSE_TYPES = ("article", "documentation", "service")


def labels_by_text(blocks: Blocks, gold: str) -> list[float | None]:
    """Share of each block that the gold text holds; None for blocks without a word."""
    gold_words = [word.lower() for word in words_in(gold)]
    line = f" {' '.join(gold_words)} "
    shingles = set(zip(*(gold_words[step:] for step in range(4)), strict=False))
    words = [[word.lower() for word in words_in(text)] for text in blocks.texts]
    labels: list[float | None] = []
    for at, own in enumerate(words):
        if len(own) >= 6:
            labels.append(sum(tuple(own[i : i + 4]) in shingles for i in range(len(own) - 3)) / (len(own) - 3))
            continue
        before = [word for text in words[max(0, at - 4) : at] for word in text][-3:]
        after = [word for text in words[at + 1 : at + 5] for word in text][:3]
        beside = any(f" {' '.join(joined)} " in line for joined in (before + own, own + after))
        labels.append(float(beside) if own else None)
    return labels


def labels_by_snippets(blocks: Blocks, page: Page) -> list[float | None]:
    """1 for blocks that hold a wanted snippet, 0 for an unwanted one, else None."""
    labels: list[float | None] = []
    for text in map(fold, blocks.texts):
        wanted = any(snippet in text for snippet in page.wanted)
        labels.append(1.0 if wanted else 0.0 if any(snippet in text for snippet in page.unwanted) else None)
    return labels


def training_pages(articles: Path, snippets: Path, types: Path) -> Iterator[tuple[Blocks, list[float | None], float]]:
    """(blocks, labels, weight of the page)"""
    first = [*read_articles(articles), *read_snippets(snippets)]
    kept_aside = {page.host for page in first if is_held_out(page)}
    for page in [*first, *read_types(types, "dev")]:
        if page.host in kept_aside:
            continue
        blocks = blocks_of(bytes_to_str(page.content, detect_encoding(page.content)))
        if page.gold is None:
            labels = labels_by_snippets(blocks, page)
            weight = OF_A_SNIPPET * sum(label is not None for label in labels)
        else:
            labels = labels_by_text(blocks, page.gold)
            weight = OF_ARTICLES if not page.kind else 1.0 if page.kind in PROSE_TYPES else OF_OTHER_TYPES
        if blocks.texts:
            yield blocks, labels, weight


def signs(blocks: Blocks) -> list[Counter[str]]:
    """By block: names around it (`n`, once), on it and the next box (`m`), words of short ones (`x`)."""
    own = [names_of(box.tag, box.names) for box in blocks.box]
    around: list[set[str]] = []
    for names, box in zip(own, blocks.box, strict=True):
        around.append(names | around[box.parent] if around else names)
    counts = []
    for text, words, at in zip(blocks.texts, blocks.words, blocks.boxes, strict=True):
        near = [*own[at], *(own[blocks.box[at].parent] if at else ())]
        short = set(words_of(text)) if words <= SHORT else set()
        counts.append(
            Counter([*(f"n{name}" for name in around[at]), *(f"m{name}" for name in near), *(f"x{w}" for w in short)])
        )
    return counts


def fit(pages: list[tuple[Blocks, list[float | None], float]]) -> dict:
    """The table, without its head."""
    all_signs = [signs(blocks) for blocks, _, _ in pages]
    pages_with = Counter(sign for page in all_signs for sign in {sign for block in page for sign in block})
    kept = {sign: n for n, sign in enumerate(sorted(sign for sign, n in pages_with.items() if n >= MIN_PAGES))}
    columns = [(name, size) for name, size, _ in columns_of(pages[0][0])]
    width = sum(size for _, size in columns)
    rows, targets, weights = [], [], []
    for (blocks, labels, page_weight), page_signs in zip(pages, all_signs, strict=True):
        offset, entries = 0, [[(width + kept[s], n) for s, n in block.items() if s in kept] for block in page_signs]
        for _, size, classes in columns_of(blocks):
            for entry, value in zip(entries, classes, strict=True):
                entry.append((offset + int(value), 1))
            offset += size
        rows.append(matrix(entries, width + len(kept)))
        sizes = [min(n, 60) ** 0.6 if known is not None else 0.0 for n, known in zip(blocks.words, labels, strict=True)]
        weights += [size / (sum(sizes) or 1) * 30 * page_weight for size in sizes]
        targets += [label or 0.0 for label in labels]
    weight, target, table = np.array(weights), np.array(targets), sparse.vstack(rows).tocsr()
    parts = np.concatenate([weight * target, weight * (1 - target)])  # a share of the weight for either answer
    used = parts > 1e-6
    answers = np.repeat([1, 0], len(weight))[used]
    model = LogisticRegression(C=STRENGTH, max_iter=300).fit(sparse.vstack([table, table])[used], answers, parts[used])
    points = np.rint(model.coef_[0] * 100).astype(int).tolist()
    return {"base": round(model.intercept_[0] * 100), **sorted_out(points, columns, kept, width)}


def matrix(entries: list[list[tuple[int, int]]], width: int) -> sparse.csr_matrix:
    """(n_blocks, width)"""
    places = np.cumsum([0, *map(len, entries)])
    flat = np.array([pair for entry in entries for pair in entry], np.float32).reshape(-1, 2)
    return sparse.csr_matrix((flat[:, 1], flat[:, 0].astype(np.int64), places), shape=(len(entries), width))


def sorted_out(points: list[int], columns: list[tuple[str, int]], kept: dict[str, int], width: int) -> dict:
    """The weights by what they are weights of."""
    by_column, start = {}, 0
    for name, size in columns:
        by_column[name] = points[start : start + size]
        start += size
    worth: Callable[[str], int] = lambda sign: points[width + kept[sign]] if sign in kept else 0  # noqa: E731
    names = {sign[1:] for sign in kept if sign[0] in "nm"}
    pairs = {name: [worth("n" + name), worth("m" + name)] for name in sorted(names)}
    return {
        "columns": by_column,
        "names": {name: pair for name, pair in pairs.items() if max(map(abs, pair)) >= SMALLEST},
        "words": {s[1:]: worth(s) for s in sorted(kept) if s[0] == "x" and abs(worth(s)) >= SMALLEST},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("articles", "snippets", "types"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=TABLE)
    arguments = parser.parse_args()
    pages = list(training_pages(arguments.articles, arguments.snippets, arguments.types))
    print(f"{len(pages):,} pages", file=sys.stderr)
    arguments.out.write_text(
        json.dumps({"source": SOURCE, **fit(pages)}, ensure_ascii=False, separators=(",", ":")) + "\n"
    )
