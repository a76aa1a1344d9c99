"""How likely a block is main content, in points: a sum of entries of one table (points.json), so that it can be read.

The points are a logistic regression's weights in hundredths of a nat, as integers, so that a sum is the same on every
machine.

Block classification from shallow features follows Kohlschütter et al. 2010 (doi 10.1145/1718487.1718542). The table was
fitted by benchmarks/extraction_points.py, which names the gold pages and their licences; so does the table.
"""

import json
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from pipeline.read.blocks.columns import columns_of
from pipeline.read.blocks.tags import SECTIONS
from pipeline.read.blocks.walk import Blocks

TABLE = Path(__file__).with_name("points.json")
NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # the words of `postContent-main`
WORD = re.compile(r"[^\W\d_]{2,}|[©@|»›→$€]")
ASCII_WORD = re.compile(r"[a-z]{2,}|[@|$]")  # the same in half the time (measured)
SHORT = 20  # words up to which single words of a block count (measured: 8 is worse by 0.002)


class Points:
    """The table."""

    def __init__(self, table: dict) -> None:
        self.base: int = table["base"]
        self.columns = {name: np.array(values) for name, values in table["columns"].items()}
        self.words: dict[str, int] = table["words"]
        self.around: dict[str, tuple[int, int]] = {}  # name: its bit, its points on any box around a block
        for bit, (name, (around, _)) in enumerate(sorted(table["names"].items())):
            self.around[name] = (1 << bit, around)
        self.near: dict[str, int] = {name: near for name, (_, near) in table["names"].items()}
        self.of_names = lru_cache(1 << 14)(self._of_names)

    def of(self, blocks: Blocks) -> np.ndarray:
        """Points of every block; above 0 it is more likely main content than not."""
        if not blocks.texts:
            return np.zeros(0, np.int64)
        points = np.array([self.of_words(text) for text in self._short(blocks)], np.int64) + self.base
        points += self._of_boxes(blocks)[np.array(blocks.boxes)]
        for name, _, classes in columns_of(blocks):
            points += self.columns[name][classes]
        return points

    def of_words(self, text: str) -> int:
        """Points of the words that a short text holds, each counted once."""
        return sum(map(self.words.__getitem__, self.words.keys() & words_of(text))) if text else 0

    @staticmethod
    def _short(blocks: Blocks) -> list[str]:
        return [text if words <= SHORT else "" for text, words in zip(blocks.texts, blocks.words, strict=True)]

    def _of_boxes(self, blocks: Blocks) -> np.ndarray:
        """By box: each name on it or around it counts once, those on it and on the next one around again."""
        totals: list[int] = []
        boxes: list[tuple[int, int, int]] = []  # the bits of its names and those around it, their points, its own
        seen, around, beside = 0, 0, 0  # of the box around the first
        for (parent, tag, names, start, _, _), end in zip(blocks.box, blocks.ends, strict=True):
            if boxes:
                seen, around, beside = boxes[parent]
            if start == end:  # no block, so that nobody asks
                boxes.append((seen, around, beside))
                totals.append(0)
                continue
            bits, new, worth, own = self.of_names(tag if tag in SECTIONS else "", names)
            if bits & seen:
                worth = sum([value for bit, value in new if not bit & seen])
            boxes.append((bits | seen, around + worth, own))
            totals.append(around + worth + own + beside)
        return np.array(totals)

    def _of_names(self, tag: str, names: str) -> tuple[int, tuple[tuple[int, int], ...], int, int]:
        words = self.around.keys() & names_of(tag, names)
        new = tuple([self.around[word] for word in words])  # in any order: they are added up
        bits = sum([bit for bit, _ in new])
        return bits, new, sum([value for _, value in new]), sum([self.near[word] for word in words])


def names_of(tag: str, names: str) -> set[str]:
    """The words that a box's class, id, role and tag consist of."""
    words = set().union(*map(_words_of_name, names.split()))
    if tag in SECTIONS:
        words.add(f"<{tag}>")
    return words


@lru_cache(1 << 14)
def _words_of_name(name: str) -> frozenset[str]:
    return frozenset([word.lower() for word in NAME.findall(name) if len(word) > 1])


def words_of(text: str) -> list[str]:
    """The words of a text, and the signs that menus and imprints are full of."""
    text = text.lower()
    return (ASCII_WORD if text.isascii() else WORD).findall(text)


@lru_cache(1)
def table() -> Points:
    """The table that is shipped."""
    return Points(json.loads(TABLE.read_text()))
