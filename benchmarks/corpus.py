"""The filter chain against datatrove's stock FineWeb-style chain, on the same WARC shards, in one run, one process.

    .venv/bin/python -m pip install -c constraints.txt -e '.[dev,benchmarks]'
    .venv/bin/python benchmarks/corpus.py

Three tables: seconds and documents by step of either chain; agreement of ours and datatrove's filters on identical
extracted text; why they differ. Each step runs to its end before the next one starts, so that its time is its own.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from datatrove.data import Document
from loguru import logger
from rich.console import Console
from rich.table import Table

from classifiers.model import TextModel, TrainingSettings, train_model
from pipeline.filters.c4 import c4_lines
from pipeline.filters.chain import filter_chain
from pipeline.filters.fineweb import fineweb_rule
from pipeline.filters.heuristics import broken_rule
from pipeline.filters.repetition import repetition_rule
from pipeline.filters.settings import (
    C4Settings,
    FilterSettings,
    FineWebSettings,
    HeuristicSettings,
    LanguageSettings,
    RepetitionSettings,
    UrlSettings,
)
from pipeline.filters.statistics import Statistics
from pipeline.filters.urls import BlockList, compile_list
from pipeline.read.extract import ExtractText
from pipeline.read.lines import lines
from pipeline.read.readers import ReadShards
from pipeline.read.sources import SourceSettings, find_shards

SAMPLE = Path("build/sample")


def timed(steps: list, console: Console, title: str) -> tuple[float, int]:
    """Run steps one after another; (seconds, documents that the first one read)."""
    table = Table(title=title, title_justify="left")
    for name in ("step", "in", "out", "seconds", "documents/s"):
        table.add_column(name, justify="left" if name == "step" else "right")
    documents: list[Document] | None = None
    total, read = 0.0, 0
    for step in steps:
        before = len(documents) if documents is not None else 0
        start = time.perf_counter()
        documents = list(step.run(iter(documents) if documents is not None else None, 0, 1))
        seconds = time.perf_counter() - start
        total += seconds
        read = read or len(documents)
        speed = (before or len(documents)) / seconds
        table.add_row(step.name, str(before or ""), str(len(documents)), f"{seconds:.2f}", f"{speed:,.0f}")
    table.add_row("all", str(read), str(len(documents or [])), f"{total:.2f}", f"{read / total:,.0f}", style="bold")
    console.print(table)
    return total, read


class Score:
    """The quality model over what is left, as the label stage scores it: in batches."""

    name = "quality score"

    def __init__(self, model: TextModel) -> None:
        self.model = model

    def run(self, data, rank: int, world: int):
        """Score all documents."""
        documents = list(data)
        if documents:
            self.model.probabilities([document.text for document in documents])
        return documents


def our_chain(shards, folder: Path, block_list: Path, model: TextModel) -> list:
    """Every filter on, C4's and FineWeb's too."""
    on = {"enabled": True}
    settings = FilterSettings(c4=C4Settings(**on), fineweb=FineWebSettings(**on))
    language = LanguageSettings(model="lid.176.ftz")
    steps = filter_chain(settings, language, SAMPLE / "lid.176.ftz", block_list, ExtractText(folder), folder)
    return [ReadShards(shards, folder), *steps, Score(model)]


def stock_chain() -> list:
    """datatrove's, as FineWeb's example strings it together, with the language model that we use."""
    import fasttext
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
        LanguageFilter,
        URLFilter,
    )
    from datatrove.pipeline.readers import WarcReader
    from tldextract import TLDExtract

    LanguageFilter._requires_dependencies = []  # it insists on another distribution of fastText
    urls, language = URLFilter(), LanguageFilter(languages="en")
    urls.tldextractor = TLDExtract(suffix_list_urls=())  # its list comes with the package; nothing is fetched
    urls.download_data()  # unpacked and loaded before the clock starts, as our list is compiled
    language.model._model = fasttext.load_model(str(SAMPLE / "lid.176.ftz"))
    return [
        WarcReader(str(SAMPLE / "web"), glob_pattern="*.warc.gz"), urls, Trafilatura(favour_precision=True), language,
        GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter(),
    ]  # fmt: skip


def agreement(pages: list[Document], block_list: Path, console: Console) -> None:
    """Keep or drop, ours against datatrove's, on the same text and thresholds."""
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
        URLFilter,
    )
    from tldextract import TLDExtract

    urls = URLFilter()
    urls.tldextractor = TLDExtract(suffix_list_urls=())
    blocked = BlockList(block_list)
    gopher = HeuristicSettings(min_characters=0, punctuation_is_a_word=True)
    stop_words = frozenset(LanguageSettings(model="m").stop_words)
    kept_lines = lambda text: None if isinstance(found := c4_lines(text, C4Settings()), list) else found  # noqa: E731
    pairs = {
        "URL block list": (lambda d, s: blocked.reason(d.metadata["url"], 2), urls),
        "Gopher quality": (lambda d, s: broken_rule(s, gopher, stop_words), GopherQualityFilter()),
        "Gopher repetition": (lambda d, s: repetition_rule(s, RepetitionSettings()), GopherRepetitionFilter()),
        "C4": (lambda d, s: kept_lines(s.text), C4QualityFilter()),
        "FineWeb": (lambda d, s: fineweb_rule(s, FineWebSettings()), FineWebQualityFilter()),
    }
    table = Table(title=f"Agreement on the text of {len(pages)} pages", title_justify="left")
    for name in ("filter", "kept by both", "dropped by both", "only ours drops", "only datatrove's drops", "agreement"):
        table.add_column(name, justify="left" if name == "filter" else "right")
    differ = []
    for name, (ours, theirs) in pairs.items():
        counted: Counter[tuple[bool, bool]] = Counter()
        for page in pages:
            mine = ours(page, Statistics(page.text))
            other = theirs.filter(Document(text=page.text, id=page.id, metadata=dict(page.metadata)))
            counted[(mine is None, other is True)] += 1
            if (mine is None) != (other is True):
                differ.append((name, mine or "kept", "kept" if other is True else other[1]))
        cells = [counted[key] for key in ((True, True), (False, False), (False, True), (True, False))]
        table.add_row(name, *map(str, cells), f"{(cells[0] + cells[1]) / len(pages):.2%}")
    console.print(table)
    why = Table("filter", "ours", "datatrove's", "pages", title="Where they differ", title_justify="left")
    for row, count in sorted(Counter(differ).items()):
        why.add_row(*row, str(count))
    console.print(why)


def quality_model(folder: Path) -> TextModel:
    """A model like the pipeline's: good prose against raw pages would need the chain first, so against French."""
    import orjson

    def texts(name: str) -> list[str]:
        return [orjson.loads(line)["text"] for line in lines(SAMPLE / name / "00000.jsonl.zst")][:1_000]

    good, other = texts("good_prose"), texts("french")
    labels = ["good"] * len(good) + ["raw"] * len(other)
    return train_model(good + other, labels, TrainingSettings(), folder / "quality.bin")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=1, help="times that our chain runs; the stock one runs once")
    taken = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, level="ERROR")
    console = Console(width=120)
    source = {"web": SourceSettings(path="web/*.warc.gz", format="warc")}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        start = time.perf_counter()
        compile_list(UrlSettings(), [], folder / "urls")
        console.print(f"URL block list compiled in {time.perf_counter() - start:.1f} s (once a version of the list)")
        model = quality_model(folder)
        shards = find_shards(source, SAMPLE)
        for number in range(taken.repeats):
            steps = our_chain(shards, folder / str(number), folder / "urls", model)
            seconds, documents = timed(steps, console, "mixwright, all filters on")
        stock_seconds, stock_documents = timed(stock_chain(), console, "datatrove's stock chain")
        ratio = (documents / seconds) / (stock_documents / stock_seconds)
        console.print(f"mixwright {documents / seconds:,.0f}, datatrove {stock_documents / stock_seconds:,.0f} "
                      f"documents a second: {ratio:.1f} ×")  # fmt: skip
        pages = [page for page in ReadShards(shards, folder / "again").run(None, 0, 1)]
        agreement([page for page in ExtractText(folder / "again").run(iter(pages), 0, 1)], folder / "urls", console)


if __name__ == "__main__":
    main()
