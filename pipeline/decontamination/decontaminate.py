"""Drops documents that contain items of the experiment's own eval suite: question and answer, near each other.

How an item is recognised is told in overlap.py, what of it is looked for in questions.py. A question
without its answer is no contamination: in decon too it reaches 0.75 at most where 0.8 is needed, and the suite measures
how likely the answer is, which a question does not give away. Nor is a passage that a question is about.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl
from datatrove.data import Document
from numpy.typing import NDArray

from pipeline.decontamination.overlap import Floats, Hashes, Ints, SuiteIndex, hash_ngrams, spread
from pipeline.decontamination.questions import find_labels, question, words
from pipeline.decontamination.settings import DecontaminateSettings
from pipeline.store.documents import write_parquet
from pipeline.store.files import rank_file
from pipeline.store.funnel import FilterStep
from pipeline.suite import read_suite

FULL_QUESTION = 20  # n-grams from which a question has its whole part of the share; with one it has half (decon)
SHARING = 3  # items of a task that may share an n-gram beside those that the setting allows: some tasks are tiny
SIEVE = 8  # entries of the sieve for every n-gram, at least: it lets at most an eighth of all others pass
HITS = {**dict.fromkeys(("id", "source", "task", "item"), pl.String), "share": pl.Float64, "matched": pl.String}


class Decontaminate(FilterStep):
    """Drops a document that contains an item; writes `hits/<rank>.parquet`, rank 0 also what could be looked for."""

    name = "decontaminate"

    def __init__(self, suite: Path, settings: DecontaminateSettings, folder: Path) -> None:
        super().__init__(folder)
        self.suite, self.settings = suite, settings
        self.index: SuiteIndex | None = None
        self.hits: list[tuple] = []

    def judge(self, document: Document) -> str | None:
        """The reason "contaminated", or None."""
        hits = self.index.find(document.text) if self.index else []
        about = document.id, document.metadata["source"]
        self.hits += [(*about, hit.task, hit.item, hit.share, hit.matched) for hit in hits]
        return "contaminated" if hits else None

    def run(self, data: Iterator[Document], rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield what contains no item."""
        if self.settings.enabled:
            self.index, self.hits = suite_index(self.suite, self.suite.stat().st_mtime_ns, self.settings), []
            if rank == 0:
                write_items(self.index, self.folder)
        yield from super().run(data, rank, world_size)
        frame = pl.DataFrame(self.hits, schema=HITS, orient="row")
        write_parquet(frame, rank_file(self.folder / "hits", rank))


@lru_cache(maxsize=1)
def suite_index(suite: Path, changed: int, settings: DecontaminateSettings) -> SuiteIndex:
    """The suite's index, kept for the next rank that runs in this process: building takes seconds. `changed`
    tells one content of the file from the next."""
    return build_index(read_suite(suite), settings)


def write_items(index: SuiteIndex, folder: Path) -> None:
    """`items/00000.parquet`: task → items in the suite, and those of them that are too short to look for."""
    frame = pl.DataFrame({"task": [task for task, _ in index.names], "too_short": index.too_short})
    counted = frame.group_by("task").agg(
        items=pl.len().cast(pl.Int64), too_short=pl.col("too_short").sum().cast(pl.Int64)
    )
    write_parquet(counted.sort("task"), rank_file(folder / "items", 0))


def build_index(rows: Iterable[dict[str, str]], settings: DecontaminateSettings) -> SuiteIndex:
    """Index a suite's rows: task, item, context, continuation."""
    names, vocabulary, questions, answers = _read_items(rows)
    hashed, counts = _ngrams(questions, names, settings)
    grams, gram = np.unique(hashed[counts], return_inverse=True)  # (G), (places)
    gram_at = np.full(len(hashed), -1)
    gram_at[counts] = gram
    sieve_bits = int(SIEVE * len(grams) + 1).bit_length()
    shift = np.uint64(64 - sieve_bits)
    sieve = np.zeros(1 << sieve_bits, dtype=bool)
    sieve[grams >> shift] = True
    weight, answer_weight = _weigh(questions, answers, spread(counts, settings.ngram), len(vocabulary) + 1)
    too_short, threshold, question_part = _demand(questions, answers, counts, settings)
    return SuiteIndex(
        ngram=settings.ngram, sample_every=settings.sample_every, max_misses=settings.max_misses,
        names=tuple(names), too_short=too_short, vocabulary=vocabulary, grams=grams, sieve=sieve, shift=shift,
        places=np.flatnonzero(counts)[np.argsort(gram, kind="stable")],
        place_starts=_starts(np.bincount(gram, minlength=len(grams))),
        gram_at=gram_at, item_at=questions.item_at, starts=questions.starts,
        weight=weight, weight_before=np.concatenate([[0], np.cumsum(weight)]),
        answers=answers.ids, answer_starts=answers.starts, answer_weight=answer_weight,
        question_part=question_part, threshold=threshold,
    )  # fmt: skip


def _ngrams(
    questions: "_Texts", names: list[tuple[str, str]], settings: DecontaminateSettings
) -> tuple[Hashes, NDArray[np.bool_]]:
    """The hash of the n-gram that starts at each word, and whether it counts: within a question, no boilerplate."""
    n, item_at = settings.ngram, questions.item_at
    hashed = hash_ngrams(questions.ids, n)
    hashed = np.pad(hashed, (0, len(questions.ids) - len(hashed)))
    whole = np.arange(len(hashed)) + n <= questions.starts[item_at + 1]
    shared = np.zeros(len(hashed), dtype=bool)
    _, task_of, items = np.unique([task for task, _ in names], return_inverse=True, return_counts=True)
    for task, count in enumerate(items):
        here = np.flatnonzero(whole & (task_of[item_at] == task))
        grams, gram = np.unique(hashed[here], return_inverse=True)
        having = np.bincount(np.unique(gram * len(names) + item_at[here]) // len(names), minlength=len(grams))
        shared[here[(having > SHARING + settings.boilerplate * count)[gram]]] = True
    boilerplate = spread(shared, n)
    return hashed, whole & ~spread(boilerplate[::-1], n)[::-1]


def _weigh(
    questions: "_Texts", answers: "_Texts", looked_for: NDArray[np.bool_], vocabulary: int
) -> tuple[Floats, Floats]:
    """Weights of the words of questions and answers; they sum to 1 over an item's.

    A word weighs log(1 + items ÷ items that have it). One that a question repeats counts once, or else a single
    n-gram would make up most of "6 + 6 + 6 + 6 + 6 + 6".
    """
    asked = questions.item_at * vocabulary + questions.ids
    having = np.unique(np.concatenate([asked, answers.item_at * vocabulary + answers.ids])) % vocabulary
    rarity = np.log1p((len(questions.starts) - 1) / np.maximum(np.bincount(having, minlength=vocabulary), 1))
    word = np.unique(asked, return_inverse=True)[1]
    times = np.maximum(np.bincount(word, looked_for), 1)[word]
    return questions.by_item(rarity[questions.ids] * looked_for / times), answers.by_item(rarity[answers.ids])


def _demand(
    questions: "_Texts", answers: "_Texts", counts: NDArray[np.bool_], settings: DecontaminateSettings
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Of every item: whether it is too short to check, the share needed, its question's part in the share."""
    ngrams = questions.count(counts)
    answered = np.diff(answers.starts)
    size = questions.count(spread(counts, settings.ngram)) + answered  # words
    surely_tried = ~spread(~counts[::-1], settings.sample_every)[::-1]  # so many n-grams in a row start here
    too_short = (size < settings.min_words) | (questions.count(surely_tried) == 0)
    needed = np.interp(size, [settings.strict_to, settings.full_from], [1, settings.min_share])
    part = (1 - settings.answer_part) * (0.5 + 0.5 * np.minimum(1, ngrams / FULL_QUESTION))
    return too_short, np.where(too_short, np.inf, needed), np.where(answered > 0, part, 1)


@dataclass(frozen=True)
class _Texts:
    """One text of every item, one behind the other."""

    ids: Ints  # (words) of the vocabulary
    starts: Ints  # (items + 1)
    item_at: Ints  # (words)

    @classmethod
    def of(cls, texts: list[list[int]]) -> "_Texts":
        sizes = np.array([len(text) for text in texts], dtype=np.int64)
        ids = np.fromiter(chain.from_iterable(texts), np.int64, sizes.sum())
        return cls(ids, _starts(sizes), np.repeat(np.arange(len(texts)), sizes))

    def count(self, which: NDArray[np.bool_]) -> Ints:
        """How many words of every item are meant: (items)."""
        return np.bincount(self.item_at[which], minlength=len(self.starts) - 1)

    def by_item(self, weight: Floats) -> Floats:
        """Weights that sum to 1 over an item's words, or are all 0."""
        total = np.bincount(self.item_at, weight, len(self.starts) - 1)[self.item_at]
        return np.divide(weight, total, out=np.zeros(len(weight)), where=total > 0)


def _starts(sizes: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)])


def _read_items(rows: Iterable[dict[str, str]]) -> tuple[list[tuple[str, str]], dict[str, int], _Texts, _Texts]:
    """Names by task, the vocabulary, questions, answers."""
    by_task: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)
    vocabulary: dict[str, int] = {}
    names: list[tuple[str, str]] = []
    questions: list[list[int]] = []
    answers: list[list[int]] = []
    for task, members in sorted(by_task.items()):
        labels = find_labels([row["context"] for row in members])
        for row in members:
            names.append((task, row["item"]))
            for text, into in ((question(row["context"], labels), questions), (row["continuation"], answers)):
                into.append([vocabulary.setdefault(word, len(vocabulary) + 1) for word in words(text)])
    return names, vocabulary, _Texts.of(questions), _Texts.of(answers)
