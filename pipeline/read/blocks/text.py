"""Blocks that were kept become lines of text."""

from pipeline.read.blocks.walk import Blocks

APART = frozenset("blockquote h1 h2 h3 h4 h5 h6 p pre".split())  # set off by an empty line
HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
CELLS = frozenset(("td", "th"))
LISTS = frozenset(("ul", "ol", "menu"))
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
        tag = blocks.tags[box]
        if tag in HEADINGS:
            if text in titles:
                continue
            titles.add(text)
        row = blocks.parents[box] if tag in CELLS else -1
        if row >= 0 and row == last_row:
            gap = CELL_GAP if box != last_box else " "
        else:
            gap = "\n\n" if tag in APART or (pieces and blocks.tags[last_box] in APART) else "\n"
        item = tag if tag == "li" else blocks.tags[blocks.parents[box]] if box else ""
        if item == "li":
            text = _bullet(blocks, at, box if tag == "li" else blocks.parents[box], numbered) + text
        pieces += (gap, text)
        last_box, last_row = box, row
    return "".join(pieces).strip("\n")


def _numbers(blocks: Blocks) -> dict[int, int]:
    """The number of each item of a numbered list."""
    numbers: dict[int, int] = {}
    counts: dict[int, int] = {}
    for box, tag in enumerate(blocks.tags):
        parent = blocks.parents[box]
        if tag == "li" and blocks.tags[parent] == "ol":
            numbers[box] = counts[parent] = counts.get(parent, 0) + 1
    return numbers


def _bullet(blocks: Blocks, at: int, item: int, numbers: dict[int, int]) -> str:
    """What stands before an item's first block, indented by two blanks for each list around it."""
    if blocks.starts[item] != at:
        return ""
    depth, box = 0, blocks.parents[item]
    while box and depth < 10:
        depth += blocks.tags[box] in LISTS
        box = blocks.parents[box]
    number = numbers.get(item)
    return "  " * max(1, depth) + (f"{number}. " if number else "• ")
