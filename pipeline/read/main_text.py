"""What finds a page's main text: our own blocks, resiliparse or trafilatura."""

import html as entities
import re
from collections.abc import Callable

from pipeline.read.blocks.choose import main_text

# A text node of which resiliparse 2.0.1 sees three bytes, the last of them not ASCII, or a pilcrow. It takes them for
# icons of the private use area (its check reads their bytes in the wrong order) and deletes them.
SHORT_NODE = re.compile(r"(?:\A|>)([ \t\n\v\f\r]*(?:&#?\w{1,31};?|[^<& \t\n\v\f\r]){1,2}[ \t\n\v\f\r]*)(?=<|\Z)")
ICON_BYTES = (2, 3)
LAST_PLANE = 0x10  # its noncharacters stand in no text that means anything


def by_resiliparse(html: str) -> str:
    """resiliparse's rules, without the fault that deletes short text nodes: they are longer while it looks."""
    from resiliparse.extract.html2text import extract_plain_text

    filler = next(c for c in (chr(plane << 16 | 0xFFFE) for plane in range(LAST_PLANE, 0, -1)) if c not in html)
    filled = SHORT_NODE.sub(lambda node: node.group() + filler if _is_taken_for_icon(node.group(1)) else node.group(), html)
    return extract_plain_text(filled, main_content=True, alt_texts=False).replace(filler, "")


def _is_taken_for_icon(node: str) -> bool:
    content = entities.unescape(node).strip(" \t\n\v\f\r").encode("utf-8", "replace")
    return len(content) in ICON_BYTES and content[-1] >= 0x80


def by_trafilatura(html: str) -> str:
    """trafilatura's main text without comments."""
    import trafilatura  # an extra, and a second to import

    return trafilatura.extract(html, include_comments=False) or ""


EXTRACTORS: dict[str, Callable[[str], str]] = {
    "blocks": main_text,
    "resiliparse": by_resiliparse,
    "trafilatura": by_trafilatura,
}
