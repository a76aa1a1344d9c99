"""Which blocks are main content: those that the table of points says, and what would leave holes in them."""

from itertools import pairwise

import numpy as np

from pipeline.read.blocks.columns import PROSE
from pipeline.read.blocks.points import table
from pipeline.read.blocks.tags import WHOLE
from pipeline.read.blocks.text import text_of
from pipeline.read.blocks.walk import Blocks, blocks_of

BAR = 30  # points above which a block is kept: 0 keeps 0.6 % more of the text and 1.5 % more that is none (measured)
LOW = -200  # points that suffice where blocks alike are kept (assumed)
LOW_PAGE = -100  # points that suffice on a page of which little is kept (assumed)
ANY = -(1 << 30)  # and on one of which nothing else is
ALIKE = 0.5  # share of the prose in boxes of one kind from which on all of it is kept (assumed)
HOLE = 3  # short blocks in a row that may be filled (assumed)
HOLE_WORDS = 5  # words of each at most
ALL_LINKS = 0.8  # share of the kept words in links from which on they are a list of links (assumed)
FEW = 30  # words; a page of which less is kept is looked at again (assumed)


def main_text(html: bytes) -> str:
    """The main content of a page in UTF-8, as text."""
    blocks = blocks_of(html)
    chosen = kept(blocks)
    if sum(blocks.words[at] for at in chosen) < FEW:
        chosen = kept(blocks, LOW_PAGE) or kept(blocks, ANY)
        if not chosen:
            blocks = blocks_of(html, furniture=True)
            chosen = kept(blocks, ANY)
    return text_of(blocks, chosen)


def kept(blocks: Blocks, bar: int = BAR) -> list[int]:
    """The blocks with more points than the bar, in order; below the usual one, those that are no links alone."""
    points = table().of(blocks)
    words, linked = np.array(blocks.words, np.int64), np.array(blocks.linked, np.int64)
    wanted = points > bar
    if bar < BAR or linked[wanted].sum() > ALL_LINKS * words[wanted].sum():
        wanted &= linked * 2 < words
    elif not wanted.all():
        _keep_what_is_alike(blocks, wanted, (words >= PROSE) & (linked * 3 < words) & (points > LOW))
        _fill_holes(blocks, wanted, linked == 0)
    return np.flatnonzero(wanted).tolist()


def _keep_what_is_alike(blocks: Blocks, wanted: np.ndarray, prose: np.ndarray) -> None:
    """The prose in boxes with equal names is kept where most of it is: the posts of a thread, to the last one."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for at in np.flatnonzero(prose).tolist():
        box = blocks.box[blocks.boxes[at]]
        groups.setdefault((box.tag, box.names, blocks.box[box.parent].names), []).append(at)
    for places in groups.values():
        if wanted[places].sum() >= ALIKE * len(places):
            wanted[places] = True


def _fill_holes(blocks: Blocks, wanted: np.ndarray, unlinked: np.ndarray) -> None:
    """Between two blocks that are kept, cells and code are kept, and so are a few short blocks, such as lone signs."""
    for before, after in pairwise(np.flatnonzero(wanted).tolist()):
        if after - before > 1 and unlinked[before + 1 : after].all():
            loose = [at for at in range(before + 1, after) if blocks.box[blocks.boxes[at]].tag not in WHOLE]
            if len(loose) <= HOLE and all(blocks.words[at] <= HOLE_WORDS for at in loose):
                wanted[before + 1 : after] = True
