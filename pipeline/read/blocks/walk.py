"""A page's tree becomes a list of text blocks, in the order of the page.

A block is text that a browser would set as one paragraph, heading, list item or cell: inline elements do not end it, all
others do. lexbor builds the tree as the WHATWG's rules say; the walk keeps its own stack, so that depth costs nothing.
"""

import re

from selectolax.lexbor import LexborHTMLParser

# Elements whose content nobody reads as text, or that a person operates.
SKIPPED = (
    "applet audio button canvas datalist dialog embed frame frameset head iframe input link map meta meter noembed "
    "noframes noscript object option progress script select style svg template textarea title video"
).split()
INLINE = (
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark math mfrac mi mn mo mover mrow "
    "ms msqrt msub msubsup msup mtext munder munderover nobr picture q rb rp rt ruby s samp slot small source span strike "
    "strong sub sup time tt u var wbr"
).split()
KIND = {**dict.fromkeys(SKIPPED, "skip"), **dict.fromkeys(INLINE, "inline"), "a": "a", "br": "br", "hr": "hr"}
HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
BLANKS = re.compile(r"[ \t\n\f\r]{2,}|[\t\n\f\r]")  # HTML's white space; all other characters are content
LINE = "\0"  # a <br>, which no text node contains: the tree builder drops U+0000
WIDE = 12  # characters per word from which on a text is taken to be written without blanks
WIDE_WORD = 4  # characters that count as a word there
MAX_NAMES = 300  # characters of an element's class and id that are looked at


class Blocks:
    """A page's blocks and the boxes (block elements) they lie in; equal indices belong together."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.words: list[int] = []
        self.linked: list[int] = []  # words in links
        self.lines: list[int] = []  # line breaks
        self.boxes: list[int] = []  # the innermost box
        self.tags: list[str] = ["body"]  # by box, and so are the rest
        self.parents: list[int] = [0]
        self.names: list[str] = [""]  # class, id, role and itemprop
        self.starts: list[int] = [0]  # its first block
        self.ends: list[int] = [0]  # the one after its last block
        self.kin: list[int] = [0]  # which count of `repeats` is its
        self.repeats: list[int] = [1]  # siblings of one tag and class
        self.depths: list[int] = [0]


def blocks_of(html: str) -> Blocks:
    """Every block of a page that is not hidden."""
    blocks = Blocks()
    body = LexborHTMLParser(html.encode("utf-8", "replace")).body
    if body is not None:
        blocks.names[0] = _names(body.attributes)
        _Walk(blocks).run(body)
    blocks.ends[0] = len(blocks.texts)
    return blocks


def size(text: str) -> int:
    """Words; for scripts without blanks, what would be about as much."""
    words = len(text.split())
    return words if len(text) < WIDE * words else max(1, words, len(text) // WIDE_WORD)


class _Walk:
    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.parts: list[str] = []
        self.linked = 0
        self.box = 0
        self.pre = 0  # <pre> elements that are open
        self.kin: dict[tuple[int, str, str | None], int] = {}

    def run(self, body) -> None:
        node, parts = body.first_child, self.parts
        links = 0
        path: list[tuple] = []
        while True:
            while node is None:
                if not path:
                    self.flush()
                    return
                node, kind = path.pop()
                if kind == "a":
                    links -= 1
                elif kind == "box":
                    self.leave()
                node = node.next
            if node.is_text_node:
                text = node.text_content
                if parts or not text.isspace():
                    parts.append(text)
                    if links:
                        self.linked += len(text.split())
                node = node.next
                continue
            tag = node.tag or "-"
            kind = KIND.get(tag, "box") if node.is_element_node else "skip"
            if kind == "br":
                self.line_break()
            elif kind == "hr":
                self.flush()
            elif kind != "skip":
                attributes = node.attributes
                if not (attributes and _is_hidden(attributes)):
                    child = node.first_child
                    if kind == "box":
                        if parts:
                            self.flush()
                        if child is not None:
                            self.enter(tag, attributes)
                    elif kind == "a":
                        links += 1
                    if child is not None:
                        path.append((node, kind))
                        node = child
                        continue
                    if kind == "a":
                        links -= 1
            node = node.next

    def enter(self, tag: str, attributes: dict) -> None:
        blocks, parent = self.blocks, self.box
        key = (parent, tag, attributes.get("class") if attributes else None)
        kin = self.kin.get(key)
        if kin is None:
            self.kin[key] = kin = len(blocks.repeats)
            blocks.repeats.append(1)
        else:
            blocks.repeats[kin] += 1
        self.box = len(blocks.tags)
        blocks.tags.append(tag)
        blocks.parents.append(parent)
        blocks.names.append(_names(attributes) if attributes else "")
        blocks.starts.append(len(blocks.texts))
        blocks.ends.append(0)
        blocks.kin.append(kin)
        blocks.depths.append(blocks.depths[parent] + 1)
        if tag == "pre":
            self.pre += 1

    def leave(self) -> None:
        if self.parts:
            self.flush()
        blocks = self.blocks
        blocks.ends[self.box] = len(blocks.texts)
        if blocks.tags[self.box] == "pre":
            self.pre -= 1
        self.box = blocks.parents[self.box]

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
            rows = [BLANKS.sub(" ", row).strip(" ") for row in text.split(LINE)]
            rows = [row for row in rows if row]
            lines = len(rows) - 1
            text = "\n".join(rows)
        else:
            text = BLANKS.sub(" ", text).strip(" ")
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


def _is_hidden(attributes: dict) -> bool:
    style = attributes.get("style")
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or (style is not None and HIDDEN_STYLE.search(style) is not None)
    )


def _names(attributes: dict) -> str:
    get = attributes.get
    names = f"{get('class') or ''} {get('id') or ''}"
    role, item = get("role"), get("itemprop")
    if role:
        names += f" role{role}"
    if item:
        names += f" itemprop{item}"
    return names[:MAX_NAMES]
