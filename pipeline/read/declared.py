"""The charset that a page declares in its own bytes, found as the HTML Standard prescribes it to browsers.

https://html.spec.whatwg.org/multipage/parsing.html#prescan-a-byte-stream-to-determine-its-encoding: a comment, an
attribute of another tag or a description is no declaration, and http-equiv must accompany content.
"""

import re

from pipeline.read.encodings import encoding_of

PRESCANNED = 1024  # bytes in which a page must declare its charset
LATE = 1 << 16  # bytes in which a browser's parser that has met no declaration still obeys one (assumed)
TAG = re.compile(rb"<(?:(!--)|(meta)(?=[\t\n\f\r /])|/?[a-z][^\t\n\f\r >]*|[!/?])", re.IGNORECASE)
ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*([^\t\n\f\r />][^\t\n\f\r />=]*)"
    rb"(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)(?:\"|\Z)|'([^']*)(?:'|\Z)|([^\t\n\f\r >]*)))?"
)
IN_CONTENT = re.compile(
    rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\"'\t\n\f\r ;][^\t\n\f\r ;]*))", re.I
)
XML = re.compile(rb"<\?xml[^>]*?\bencoding[\t\n\r ]*=[\t\n\r ]*(?:\"([^\"]*)\"|'([^']*)')")
LATE_META = re.compile(rb"<meta[^>]{0,999}charset", re.IGNORECASE)
NO_MARKUP = re.compile(rb"<!--.*?(?:-->|\Z)|<(script|style|title|textarea)\b.*?(?:</\1|\Z)", re.IGNORECASE | re.DOTALL)


def declared_encoding(page: bytes) -> str:
    """The encoding that a page's meta tag, or else its XML declaration, names; empty where neither does."""
    prescanned = _prescan(page[:PRESCANNED])
    if prescanned:
        return prescanned
    xml = XML.match(page, 0, PRESCANNED)
    if xml:
        return _of_page((xml.group(1) or xml.group(2) or b"").decode("latin-1"))
    return _prescan(NO_MARKUP.sub(b"", page[:LATE])) if LATE_META.search(page, 0, LATE) else ""


def _prescan(head: bytes) -> str:
    at = 0
    while tag := TAG.search(head, at):
        if tag.group(1):
            end = head.find(b"-->", tag.start() + len("<!"))
            at = end + len("-->") if end >= 0 else len(head)
        elif tag.group(2):
            if encoding := _of_meta(head, tag.end()):
                return encoding
            at = _behind_attributes(head, tag.end())
        elif tag.group()[-1:].isalnum() or len(tag.group()) > len("</"):
            at = _behind_attributes(head, tag.end())
        else:
            end = head.find(b">", tag.end())
            at = end + 1 if end >= 0 else len(head)
    return ""


def _of_meta(page: bytes, at: int) -> str:
    """What the meta tag declares whose attributes start here."""
    attributes: dict[bytes, bytes] = {}
    while attribute := ATTRIBUTE.match(page, at):
        at = attribute.end()
        value = next((group for group in attribute.groups()[1:] if group is not None), b"")
        attributes.setdefault(attribute.group(1).lower(), value)
    if at == len(page):
        return ""  # it has no end
    if b"charset" in attributes:
        return _of_page(attributes[b"charset"].decode("latin-1"))
    content = IN_CONTENT.search(attributes.get(b"content", b""))
    if content and attributes.get(b"http-equiv", b"").lower() == b"content-type":
        return _of_page(next(filter(None, content.groups()), b"").decode("latin-1"))
    return ""


def _behind_attributes(page: bytes, at: int) -> int:
    while attribute := ATTRIBUTE.match(page, at):
        at = attribute.end()
    return at


def _of_page(label: str) -> str:
    """A page that could be read so far is none of UTF-16, whatever it says."""
    encoding = encoding_of(label)
    return {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}.get(encoding, encoding)
