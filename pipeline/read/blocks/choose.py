"""Which blocks are main content: those that the table of points says, and what would leave holes in them."""

from itertools import pairwise

import numpy as np

from pipeline.read.blocks.points import table
from pipeline.read.blocks.text import text_of
from pipeline.read.blocks.walk import Blocks, blocks_of

BAR = 30  # points above which a block is kept: 0 keeps 0.6 % more of the text and 1.5 % more that is none (measured)
HOLE = 3  # blocks in a row that may be filled (measured)
HOLE_WORDS = 5  # words of each at most
ALL_LINKS = 0.8  # share of the kept words in links from which on they are a list of links (assumed)
FEW = 30  # words; a page of which less is kept is looked at again (assumed)
LOW = -200  # points that suffice there


def main_text(html: str) -> str:
    """The main content of a page, as text."""
    blocks = blocks_of(html)
    chosen = kept(blocks)
    if sum(blocks.words[at] for at in chosen) < FEW:
        blocks = blocks_of(html, furniture=True)
        chosen = kept(blocks, low=True)
    return text_of(blocks, chosen)


def kept(blocks: Blocks, low: bool = False) -> list[int]:
    """The blocks that are main content, in order; more of them where little would be left."""
    points = table().of(blocks)
    words, linked = np.array(blocks.words, np.int64), np.array(blocks.linked, np.int64)
    wanted = points > (LOW if low else BAR)
    if low or linked[wanted].sum() > ALL_LINKS * words[wanted].sum():
        wanted &= linked * 2 < words
    return _without_holes(wanted, (words <= HOLE_WORDS) & (linked == 0))


def _without_holes(wanted: np.ndarray, small: np.ndarray) -> list[int]:
    """A few short blocks without a link between two that are kept are kept: cells, lone signs, a line of code."""
    places: list[int] = np.flatnonzero(wanted).tolist()
    filled = places[:1]
    for before, after in pairwise(places):
        if 1 < after - before <= HOLE + 1 and small[before + 1 : after].all():
            filled.extend(range(before + 1, after))
        filled.append(after)
    return filled
