"""What finds a page's main text: our own blocks, resiliparse or trafilatura."""

import html as entities
import re
from collections.abc import Callable

from pipeline.read.blocks.choose import main_text

# Text nodes of which resiliparse 2.0.1 may see two bytes or three, the last of them not ASCII. It takes them for icons
# of the private use area (its check reads the bytes in the wrong order; a pilcrow is one too) and deletes them.
BLANKS = r"[ \t\n\v\f\r]*"
ENTITY = r"&#?\w{1,31};?"
SHORT_NODE = re.compile(rf">({BLANKS}(?:[!-%'-;=-~]|{ENTITY})?(?:[^\0-\x7f]|{ENTITY}){BLANKS})(?=<|\Z)")
ICON_BYTES = (2, 3)
LAST_PLANE = 0x10  # its noncharacters stand in no text that means anything


def by_resiliparse(page: bytes) -> str:
    """resiliparse's rules, without the fault that deletes short text nodes: they are longer while it looks."""
    from resiliparse.extract.html2text import extract_plain_text

    html = page.decode()
    filler = next(c for c in (chr(plane << 16 | 0xFFFE) for plane in range(LAST_PLANE, 0, -1)) if c not in html)
    filled = SHORT_NODE.sub(lambda node: node.group() + filler * _is_taken_for_icon(node.group(1)), f">{html}")[1:]
    return extract_plain_text(filled, main_content=True, alt_texts=False).replace(filler, "")


def _is_taken_for_icon(node: str) -> bool:
    content = entities.unescape(node).strip(" \t\n\v\f\r").encode("utf-8", "replace")
    return len(content) in ICON_BYTES and content[-1] > 0x7F


def by_trafilatura(page: bytes) -> str:
    """trafilatura's main text without comments."""
    import trafilatura  # an extra, and a second to import

    return trafilatura.extract(page.decode(), include_comments=False) or ""


# Each takes a page in UTF-8.
EXTRACTORS: dict[str, Callable[[bytes], str]] = {
    "blocks": main_text,
    "resiliparse": by_resiliparse,
    "trafilatura": by_trafilatura,
}
