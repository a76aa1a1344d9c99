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
    prose = np.where((words >= PROSE) & (linked * 3 < words), words, 0)
    texts, boxes = blocks.texts, [blocks.box[at] for at in blocks.boxes]
    tags = np.array([TAG.get(box.tag, 0) for box in boxes])
    size, link = WORDS.searchsorted(words, "right"), LINKED.searchsorted(linked / words, "right")
    rough, coarse, small = np.minimum(size // 2, 3), np.minimum(size // 2, 2), np.minimum(size, 4)
    shape = link * 9 + size
    yield "tag, words", TAGS * 9, tags * 9 + size
    yield "links, words", 63, shape
    yield "last character, words", ENDS * 5, np.array([_end(text) for text in texts]) * 5 + small
    yield "first character, words", STARTS * 5, np.array([_start(text) for text in texts]) * 5 + small
    yield "commas, words", 20, np.array([min(text.count(","), 4) for text in texts]) * 4 + rough
    yield "lines, words", 20, np.minimum(np.array(blocks.lines), 3) * 5 + small
    yield from _places(words, prose, size, rough, coarse)
    yield from _around(blocks, np.array([words, linked, prose]), rough)
    yield "depth", 12, np.array([min(box.depth // 2, 11) for box in boxes])
    shapes, tags_around = np.concatenate(([63], shape, [63])), np.concatenate(([TAGS], tags, [TAGS])) * 3
    for step, beside in (("-1", slice(0, -2)), ("+1", slice(2, None))):
        yield f"links and words {step}", 64, shapes[beside]
        yield f"tag {step}, words", TAGS * 3 + 3, tags_around[beside] + coarse


def _end(text: str) -> int:
    last = text[-1]
    return END.get(last) or (2 if last.isupper() else 3 if last.isdigit() else 1 if last.isalpha() else 0)


def _start(text: str) -> int:
    first = text[0]
    return START.get(first) or (1 if first.isupper() else 2 if first.islower() else 3 if first.isdigit() else 0)


def _places(
    words: np.ndarray, prose: np.ndarray, size: np.ndarray, rough: np.ndarray, coarse: np.ndarray
) -> Iterator[tuple[str, int, np.ndarray]]:
    sums, prose_sums = words.cumsum(), prose.cumsum()
    total, total_prose = sums[-1], prose_sums[-1]
    place = PLACE.searchsorted((sums - words) / total, "right")
    prose_place = PROSE_PLACE.searchsorted((prose_sums - prose) / max(1, total_prose), "right")
    page = PAGE.searchsorted(total_prose, "right")
    yield "place, words", 33, place * 3 + coarse
    yield "place in prose, words, page", 108, (prose_place * 4 + rough) * 3 + page // 2
    yield "page, words", 54, page * 9 + size


def _around(blocks: Blocks, counts: np.ndarray, rough: np.ndarray) -> Iterator[tuple[str, int, np.ndarray]]:
    """`counts` are each block's words, those in links and those in prose."""
    sums = np.zeros((3, counts.shape[1] + 1), np.int64)
    counts.cumsum(1, out=sums[:, 1:])
    parents, tags, _, starts, kin_of, _ = zip(*blocks.box, strict=True)
    parent_of, start, end, kin_at = map(np.array, (parents, starts, blocks.ends, kin_of))
    words, linked, prose = sums[:, end] - sums[:, start]  # by box
    box_words = BOX_WORDS.searchsorted(words, "right")
    box_links = LINKED.searchsorted(linked / np.maximum(words, 1), "right")
    box_prose = SHARE.searchsorted(prose / max(1, sums[2, -1]), "right")
    kin = KIN.searchsorted(np.array(blocks.kin), "right")[kin_at]
    alike = (kin * 5 + np.minimum(box_words, 4)) * BOX_TAGS + np.array([BOX_TAG.get(tag, 0) for tag in tags])
    box = np.array(blocks.boxes)
    for level in range(LEVELS):
        yield f"prose of box {level}, words", 44, box_prose[box] * 4 + rough
        yield f"links of box {level}, its words", 42, (box_links * 6 + box_words)[box]
        yield f"boxes like box {level}, its words", 150, alike[box]
        box = parent_of[box]
