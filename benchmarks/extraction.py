"""Main text against gold pages: ours, resiliparse's and trafilatura's, in one process.

    .venv/bin/python benchmarks/extraction.py --articles ARTICLES --snippets SNIPPETS --types TYPES

    ARTICLES  a clone of github.com/scrapinghub/article-extraction-benchmark: 181 news pages with their text
    SNIPPETS  a clone of github.com/adbar/trafilatura: 990 pages with pieces of text that are wanted or unwanted
    TYPES     a clone of github.com/Murrough-Foley/web-content-extraction-benchmark: pages of seven types, their text

Pages with a text are scored by words: precision and recall of the bag of words, F1 by page and then its mean. `F1 (4)`
is F1 of mean precision and recall over 4-grams of words, which ARTICLES's own program reports. Pages with pieces are
scored as trafilatura's own program does: F1 of all pieces, found or not. Pages per second are of processor time,
decoding included. `held out` are hosts whose pages did not take part in fitting the table of points.
"""

import argparse
import gzip
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from pipeline.read.page import EXTRACTORS, page_text

WORD = re.compile(r"\w+")
BLANKS = re.compile(r"\s+")
HOST = re.compile(r"(?:https?://)?(?:www\.)?([^/]+)")


@dataclass(frozen=True)
class Page:
    """A page and what a person found in it: its text, or pieces."""

    host: str
    content: bytes
    gold: str | None = None
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    kind: str = ""


def fold(text: str) -> str:
    """White space as single blanks."""
    return BLANKS.sub(" ", text).strip()


def words_in(text: str) -> list[str]:
    """As both programs split them."""
    return WORD.findall(text)


def host_of(url: str) -> str:
    """A page's host, without `www.`."""
    match = HOST.match(url.lower())
    return match.group(1) if match else url


def is_held_out(page: Page) -> bool:
    """Half of the hosts, by their hash."""
    return hashlib.sha256(page.host.encode()).digest()[0] % 2 == 1


def read_articles(folder: Path) -> Iterator[Page]:
    """ground-truth.json and html/*.html.gz"""
    for name, entry in sorted(json.loads((folder / "ground-truth.json").read_text()).items()):
        content = gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes())
        yield Page(host_of(entry["url"]), content, entry["articleBody"])


def read_snippets(folder: Path) -> Iterator[Page]:
    """tests/evaldata.json, with its pages in tests/cache and tests/eval"""
    tests = folder / "tests"
    for url, entry in sorted(json.loads((tests / "evaldata.json").read_text()).items()):
        path = next(path for path in (tests / part / entry["file"] for part in ("cache", "eval")) if path.is_file())
        wanted, unwanted = (tuple(map(fold, entry[key])) for key in ("with", "without"))
        yield Page(host_of(url), path.read_bytes(), wanted=wanted, unwanted=unwanted)


def read_types(folder: Path, split: str) -> Iterator[Page]:
    """metadata.json, SPLIT/ground-truth/*.json and SPLIT/html/*.html.gz"""
    metadata = json.loads((folder / "metadata.json").read_text())["files"]
    for path in sorted((folder / split / "ground-truth").glob("*.json")):
        gold = json.loads(path.read_text())["ground_truth"].get("main_content")
        content = gzip.decompress((folder / split / "html" / f"{path.stem}.html.gz").read_bytes())
        if gold:
            yield Page(metadata[path.stem]["domain"], content, gold, kind=metadata[path.stem]["page_type"])


def shared(gold: str, text: str, n: int) -> tuple[float, float]:
    """(precision, recall) of n-grams of words"""
    counts = []
    for words in (words_in(gold), words_in(text)):
        n_here = min(n, len(words)) or 1
        counts.append(Counter(zip(*(words[step:] for step in range(n_here)), strict=False)))
    both = sum((counts[0] & counts[1]).values())
    return both / (sum(counts[1].values()) or 1), both / (sum(counts[0].values()) or 1)


def f1(precision: float, recall: float) -> float:
    """Their harmonic mean."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def scores(pages: list[Page], texts: list[str]) -> list[str]:
    """Precision, recall, F1, F1 of 4-grams, as cells."""
    if pages[0].gold is None:
        folded = list(map(fold, texts))
        right = sum(piece in text for page, text in zip(pages, folded, strict=True) for piece in page.wanted)
        wrong = sum(piece in text for page, text in zip(pages, folded, strict=True) for piece in page.unwanted)
        precision, recall = right / max(1, right + wrong), right / sum(len(page.wanted) for page in pages)
        return [f"{value:.3f}" for value in (precision, recall, f1(precision, recall))] + [""]
    by_page = [shared(page.gold or "", text, 1) for page, text in zip(pages, texts, strict=True)]
    shingles = [shared(page.gold or "", text, 4) for page, text in zip(pages, texts, strict=True)]
    precision, recall = (fmean(pair[at] for pair in by_page) for at in (0, 1))
    of_four = f1(*(fmean(pair[at] for pair in shingles) for at in (0, 1)))
    return [f"{value:.3f}" for value in (precision, recall, fmean(f1(*pair) for pair in by_page), of_four)]


def measure(name: str, pages: list[Page], extractors: list[str], console: Console) -> None:
    """Print a set's table."""
    table = Table(title=f"{name}: {len(pages)} pages", title_justify="left")
    for column in ("extractor", "pages", "P", "R", "F1", "F1 (4)", "pages/s"):
        table.add_column(column, justify="left" if column == "extractor" else "right")
    parts = {"": pages, "held out": list(filter(is_held_out, pages))}
    if kinds := sorted({page.kind for page in pages} - {""}):
        parts = {"": pages, **{kind: [page for page in pages if page.kind == kind] for kind in kinds}}
    for extractor in extractors:
        page_text(b"<p>warm", extractor=extractor)
        start = time.process_time()
        texts = [page_text(page.content, extractor=extractor) for page in pages]
        speed = f"{len(pages) / (time.process_time() - start):.0f}"
        by_page = dict(zip(map(id, pages), texts, strict=True))
        for part, members in parts.items():
            cells = scores(members, [by_page[id(page)] for page in members])
            label = f"  {part}" if part else extractor
            table.add_row(label, str(len(members)), *cells, "" if part else speed, style=None if part else "bold")
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for folder in ("articles", "snippets", "types"):
        parser.add_argument(f"--{folder}", type=Path)
    parser.add_argument("--extractors", nargs="+", default=list(EXTRACTORS), choices=list(EXTRACTORS))
    arguments = parser.parse_args()
    if not (arguments.articles or arguments.snippets or arguments.types):
        parser.error("no pages — give --articles, --snippets or --types")
    output = Console(width=100)
    if arguments.articles:
        measure("articles", list(read_articles(arguments.articles)), arguments.extractors, output)
    if arguments.snippets:
        measure("snippets", list(read_snippets(arguments.snippets)), arguments.extractors, output)
    if arguments.types:
        measure("types, test", list(read_types(arguments.types, "test")), arguments.extractors, output)
