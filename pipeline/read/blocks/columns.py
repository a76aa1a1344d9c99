"""What is looked at in a block, as columns of small numbers; a table of points holds what each number is worth.

Every column is one question with a handful of answers: how many words, how many of them in links, where on the page,
what else is in the boxes around it, what stands before and after it.
"""

from collections.abc import Iterator

import numpy as np

from pipeline.read.blocks.walk import Blocks

WORDS = np.array([2, 3, 5, 8, 13, 21, 36, 71])  # lower bounds of all but the first class, as are the rest
LINKED = np.array([0.0001, 0.1, 0.25, 0.5, 0.8, 0.999])  # share of words
SHARE = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 0.999])  # of what the page has
BOX_WORDS = np.array([6, 15, 40, 100, 300])
KIN = np.array([2, 3, 5, 9])
PLACE = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98])
PROSE_PLACE = np.array([0.0001, 0.02, 0.1, 0.3, 0.7, 0.9, 0.98, 0.9999])
PAGE = np.array([30, 80, 200, 500, 1200])  # words of prose
LEVELS = 3  # boxes around a block that are looked at
PROSE = 10  # words from which on a block without many links is taken for prose
SHORT = 20  # words up to which a date or capitals say something

TAG = {
    **{tag: n for n, tag in enumerate(("p", "h1", "h2", "h3", "h4", "li", "td", "pre", "blockquote", "dd", "dt"), 1)},
    "h5": 5, "h6": 5, "th": 7, "figcaption": 12, "caption": 12,
}  # fmt: skip
TAGS = 13
BOX_TAG = {"p": 1, "li": 2, "tr": 3, "td": 4, "div": 5}
BOX_TAGS = 6
END = {mark: n for n, mark in enumerate('.!?:…,;"”»)|', 4)}
ENDS = 16
START = dict.fromkeys("\"'“„«‘", 4)
STARTS = 5


def columns_of(blocks: Blocks) -> Iterator[tuple[str, int, np.ndarray]]:
    """(name, number of classes, class of every block) of each column."""
    words, linked = np.array(blocks.words), np.array(blocks.linked)
    boxes, texts = np.array(blocks.boxes), blocks.texts
    prose = np.where((words >= PROSE) & (linked * 3 < words), words, 0)
    tags = np.array([TAG.get(box.tag, 0) for box in blocks.box])[boxes]
    size, link = np.searchsorted(WORDS, words, "right"), np.searchsorted(LINKED, linked / words, "right")
    rough, coarse = np.minimum(size // 2, 3), np.minimum(size // 2, 2)
    small = np.minimum(size, 4)
    yield "tag, words", TAGS * 9, tags * 9 + size
    yield "links, words", 63, link * 9 + size
    yield "last character, words", ENDS * 5, np.array([_end(text) for text in texts]) * 5 + small
    yield "first character, words", STARTS * 5, np.array([_start(text) for text in texts]) * 5 + small
    yield "commas, words", 20, np.minimum([text.count(",") for text in texts], 4) * 4 + rough
    yield "lines, words", 20, np.minimum(blocks.lines, 3) * 5 + small
    yield from _places(words, prose, size, rough, coarse)
    yield from _around(blocks, words, linked, prose, rough)
    yield "depth", 12, np.minimum(np.array([box.depth for box in blocks.box])[boxes] // 2, 11)
    yield from _neighbours(link * 9 + size, tags, coarse)


def _end(text: str) -> int:
    last = text[-1]
    return END.get(last) or (2 if last.isupper() else 3 if last.isdigit() else 1 if last.isalpha() else 0)


def _start(text: str) -> int:
    first = text[0]
    return START.get(first) or (1 if first.isupper() else 2 if first.islower() else 3 if first.isdigit() else 0)


def _places(
    words: np.ndarray, prose: np.ndarray, size: np.ndarray, rough: np.ndarray, coarse: np.ndarray
) -> Iterator[tuple[str, int, np.ndarray]]:
    total, total_prose = words.sum(), max(1, prose.sum())
    place = np.searchsorted(PLACE, (np.cumsum(words) - words) / total, "right")
    prose_place = np.searchsorted(PROSE_PLACE, (np.cumsum(prose) - prose) / total_prose, "right")
    page = np.searchsorted(PAGE, prose.sum(), "right")
    yield "place, words", 33, place * 3 + coarse
    yield "place in prose, words, page", 108, (prose_place * 4 + rough) * 3 + page // 2
    yield "page, words", 54, page * 9 + size


def _around(
    blocks: Blocks, words: np.ndarray, linked: np.ndarray, prose: np.ndarray, rough: np.ndarray
) -> Iterator[tuple[str, int, np.ndarray]]:
    parents, tags, _, starts, kin_of, _ = zip(*blocks.box, strict=True)
    ends = np.array(blocks.ends)
    in_box = [(sums := _sums(values))[ends] - sums[list(starts)] for values in (words, linked, prose)]
    box_words = np.searchsorted(BOX_WORDS, in_box[0], "right")
    box_links = np.searchsorted(LINKED, in_box[1] / np.maximum(in_box[0], 1), "right")
    box_prose = np.searchsorted(SHARE, in_box[2] / max(1, prose.sum()), "right")
    kin = np.searchsorted(KIN, np.array(blocks.kin)[list(kin_of)], "right")
    alike = (kin * 5 + np.minimum(box_words, 4)) * BOX_TAGS + [BOX_TAG.get(tag, 0) for tag in tags]
    box, parent_of = np.array(blocks.boxes), np.array(parents)
    for level in range(LEVELS):
        yield f"prose of box {level}, words", 44, box_prose[box] * 4 + rough
        yield f"links of box {level}, its words", 42, (box_links * 6 + box_words)[box]
        yield f"boxes like box {level}, its words", 150, alike[box]
        box = parent_of[box]


def _sums(values: np.ndarray) -> np.ndarray:
    return np.concatenate(([0], np.cumsum(values)))


def _shifted(values: np.ndarray, step: int, none: int) -> np.ndarray:
    """The values of the blocks that many further on."""
    moved = np.full(len(values), none)
    if abs(step) < len(values):
        if step > 0:
            moved[:-step] = values[step:]
        else:
            moved[-step:] = values[:step]
    return moved


def _neighbours(shape: np.ndarray, tags: np.ndarray, coarse: np.ndarray) -> Iterator[tuple[str, int, np.ndarray]]:
    for step in (-1, 1):
        yield f"links and words {step:+}", 64, _shifted(shape, step, 63)
        yield f"tag {step:+}, words", TAGS * 3 + 3, _shifted(tags, step, TAGS) * 3 + coarse
