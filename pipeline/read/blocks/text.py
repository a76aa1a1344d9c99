"""Blocks that were kept become lines of text."""

from pipeline.read.blocks.tags import APART, CELLS, HEADINGS, LISTS
from pipeline.read.blocks.walk import Blocks

CELL_GAP = "\t"


def text_of(blocks: Blocks, kept: list[int]) -> str:
    """Paragraphs and headings apart, list items with their bullets, a table's row on a line with tabs between cells.

    A heading that an earlier one repeats is left out: pages print their title in several places.
    """
    pieces: list[str] = []
    titles: set[str] = set()
    numbered = _numbers(blocks)
    last_box, last_row = -1, -1
    for at in kept:
        box, text = blocks.boxes[at], blocks.texts[at]
        tag = blocks.box[box].tag
        if tag in HEADINGS:
            if text in titles:
                continue
            titles.add(text)
        row = blocks.box[box].parent if tag in CELLS else -1
        if row >= 0 and row == last_row:
            gap = CELL_GAP if box != last_box else " "
        else:
            gap = "\n\n" if tag in APART or (pieces and blocks.box[last_box].tag in APART) else "\n"
        item = tag if tag == "li" else blocks.box[blocks.box[box].parent].tag if box else ""
        if item == "li":
            text = _bullet(blocks, at, box if tag == "li" else blocks.box[box].parent, numbered) + text
        pieces += (gap, text)
        last_box, last_row = box, row
    return "".join(pieces).strip("\n")


def _numbers(blocks: Blocks) -> dict[int, int]:
    """The number of each item of a numbered list."""
    numbers: dict[int, int] = {}
    counts: dict[int, int] = {}
    for at, box in enumerate(blocks.box):
        if box.tag == "li" and blocks.box[box.parent].tag == "ol":
            numbers[at] = counts[box.parent] = counts.get(box.parent, 0) + 1
    return numbers


def _bullet(blocks: Blocks, at: int, item: int, numbers: dict[int, int]) -> str:
    """What stands before an item's first block, indented by two blanks for each list around its own."""
    if blocks.box[item].start != at:
        return ""
    depth, box = 0, blocks.box[item].parent
    while box and depth < 10:
        depth += blocks.box[box].tag in LISTS
        box = blocks.box[box].parent
    number = numbers.get(item)
    return "  " * max(0, depth - 1) + (f"{number}. " if number else "• ")
