"""A page's tree becomes a list of text blocks, in the order of the page.

A block is text that a browser would set as one paragraph, heading, list item or cell: inline elements do not end it,
all others do. lexbor builds the tree by the WHATWG's rules; the walk keeps its own stack, so that depth costs nothing.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipeline.read.blocks.tags import CONTENT, FURNITURE_NAMES, FURNITURE_WORDS, KIND, KIND_WITH_FURNITURE

LETTERS = re.compile("[a-z]+")
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
BLANKS = " \t\n\f\r"  # HTML's white space; all other characters are content
HIDING = frozenset(("hidden", "aria-hidden", "style"))  # attributes that can hide an element
LINE = "\0"  # a <br>, which no text node contains: the tree builder drops U+0000
WIDE = 12  # characters per word from which on a text is taken to be written without blanks
WIDE_WORD = 4  # characters that count as a word there
MAX_NAMES = 300  # characters of an element's class and id that are looked at


class Box(NamedTuple):
    """A block element, or the body."""

    parent: int
    tag: str
    names: str  # class, id, role and itemprop
    start: int  # its first block
    kin: int  # which count of `kin` is that of its siblings with its tag and class
    depth: int


class Blocks:
    """A page's blocks and the boxes they lie in."""

    def __init__(self) -> None:
        self.texts: list[str] = []  # by block, as are the next four
        self.words: list[int] = []
        self.linked: list[int] = []  # words in links
        self.lines: list[int] = []  # line breaks
        self.boxes: list[int] = []  # the innermost box
        self.box: list[Box] = []
        self.ends: list[int] = [0]  # by box: the block after its last
        self.kin: list[int] = [1]  # siblings of one tag and class


def blocks_of(html: str | bytes, furniture: bool = False) -> Blocks:
    """Every block of a page that is not hidden; those of menus and the like if they are asked for."""
    blocks = Blocks()
    body = LexborHTMLParser(html if isinstance(html, bytes) else html.encode("utf-8", "replace")).body
    blocks.box.append(Box(0, "body", _names(body.attributes) if body else "", 0, 0, 0))
    if body is not None:
        _Walk(blocks, furniture).run(body)
    blocks.ends[0] = len(blocks.texts)
    return blocks


def folded(text: str) -> str:
    """The text with single blanks; six times as fast as a regular expression (measured)."""
    text = text.strip(BLANKS)
    for blank in "\n\t\r\f":
        text = text.replace(blank, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def size(text: str) -> int:
    """Words; for scripts without blanks, what would be about as much."""
    words = len(text.split())
    return words if len(text) < WIDE * words else max(1, words, len(text) // WIDE_WORD)


class _Walk:
    def __init__(self, blocks: Blocks, furniture: bool) -> None:
        self.blocks = blocks
        self.furniture = furniture
        self.parts: list[str] = []  # of the block that is being read
        self.linked = 0
        self.box = 0
        self.pre = 0  # <pre> elements that are open
        self.kin: dict[tuple[int, str, str | None], int] = {}

    def run(self, body: LexborNode) -> None:
        """Visit every node once; text is gathered in `parts` until something ends the block."""
        node, parts = body.first_child, self.parts
        kind_of = (KIND_WITH_FURNITURE if self.furniture else KIND).get
        links = 0  # <a> elements that are open
        path: list[tuple[LexborNode, str]] = []
        while True:
            while node is None:
                if not path:
                    self.flush()
                    return
                node, kind = path.pop()
                if kind == "box":
                    self.leave()
                elif kind == "a":
                    links -= 1
                node = node.next
            tag = node.tag or ""
            kind = kind_of(tag, "box")
            if kind == "text":
                text = node.text_content or ""
                if parts or not text.isspace():
                    parts.append(text)
                    if links:
                        self.linked += len(text.split())
            elif kind == "skip":
                pass
            elif kind == "br":
                self.line_break()
            elif kind == "end":
                self.flush()
            elif (child := node.first_child) is not None or kind == "box":
                attributes = node.attributes
                if HIDING.isdisjoint(attributes) or not _is_hidden(attributes):
                    if kind == "box" and parts:
                        self.flush()
                    if child is not None and (kind != "box" or self.enter(tag, attributes)):
                        if kind == "a":
                            links += 1
                        path.append((node, kind))
                        node = child
                        continue
            node = node.next

    def enter(self, tag: str, attributes: dict[str, str | None]) -> bool:
        """Whether a box is worth a look, in which case it is the one that the walk is in."""
        names = _names(attributes) if attributes else ""
        if names and not self.furniture and is_furniture(names) and tag not in CONTENT:
            return False
        blocks, parent = self.blocks, self.box
        key = (parent, tag, attributes.get("class"))
        kin = self.kin.setdefault(key, len(blocks.kin))
        if kin == len(blocks.kin):
            blocks.kin.append(1)
        else:
            blocks.kin[kin] += 1
        self.box = len(blocks.box)
        fields = (parent, tag, names, len(blocks.texts), kin, blocks.box[parent][5] + 1)
        blocks.box.append(tuple.__new__(Box, fields))  # a quarter of the time of Box(...), measured
        blocks.ends.append(0)
        self.pre += tag == "pre"
        return True

    def leave(self) -> None:
        if self.parts:
            self.flush()
        box = self.blocks.box[self.box]
        self.blocks.ends[self.box] = len(self.blocks.texts)
        self.pre -= box.tag == "pre"
        self.box = box.parent

    def line_break(self) -> None:
        parts = self.parts
        if self.pre:
            parts.append("\n")
        elif parts and (parts[-1] is LINE or (len(parts) > 1 and parts[-2] is LINE and parts[-1].isspace())):
            self.flush()  # two are the end of a paragraph
        elif parts:
            parts.append(LINE)

    def flush(self) -> None:
        parts = self.parts
        text = parts[0] if len(parts) == 1 else "".join(parts)
        lines = 0
        if self.pre:
            text = text.strip("\n")
        elif LINE in parts:
            rows = [row for row in map(folded, text.split(LINE)) if row]
            lines = len(rows) - 1
            text = "\n".join(rows)
        else:
            text = folded(text)
        linked, self.linked = self.linked, 0
        parts.clear()
        if text and not text.isspace():
            blocks = self.blocks
            words = size(text)
            blocks.texts.append(text)
            blocks.words.append(words)
            blocks.linked.append(linked if linked < words else words)
            blocks.lines.append(lines)
            blocks.boxes.append(self.box)


@lru_cache(1 << 14)
def is_furniture(names: str) -> bool:
    """Whether a box with these names holds menus and the like."""
    return any(map(_is_furniture_name, names.lower().split()))


@lru_cache(1 << 14)
def _is_furniture_name(name: str) -> bool:
    if name in FURNITURE_NAMES or name.startswith("menu-") or name.endswith("-menu"):
        return True
    return not FURNITURE_WORDS.isdisjoint(LETTERS.findall(name))


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    return style is not None and HIDDEN_STYLE.search(style) is not None


def _names(attributes: dict[str, str | None]) -> str:
    get = attributes.get
    names = f"{get('class') or ''} {get('id') or ''}"
    if role := get("role"):
        names += f" role{role}"
    if item := get("itemprop"):
        names += f" itemprop{item}"
    return names[:MAX_NAMES]
