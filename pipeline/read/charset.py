"""Which text a page's bytes are: as in a browser, unless the bytes plainly contradict what is declared.

A byte order mark decides, then the HTTP header, then the page itself (https://html.spec.whatwg.org, "determining the
character encoding"). Servers and templates often declare what is wrong, and a browser shows garbage then. Three things
are better here: bytes that are valid UTF-8 are UTF-8; of two declarations the one in which nothing is broken counts;
and where nothing fits, the bytes are asked.
"""

import codecs
import re

from resiliparse.parse.encoding import detect_encoding

from pipeline.read.declared import declared_encoding
from pipeline.read.encodings import REPLACEMENT, decode, encoding_of, is_one_byte

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
WITHOUT_MARK = {b"<\0": "utf-16le", b"\0<": "utf-16be"}  # how a page starts that has no byte order mark
BROKEN = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")  # what no page holds unless its charset is wrong
SWITCHES = re.compile(rb"\x1b[$(]|~\{|\x0e")  # how 7-bit encodings leave ASCII
FEW_BROKEN = (
    0.05  # share of the characters beyond ASCII that are broken in a damaged page of the right charset (assumed)
)
SURE = 8  # characters from which on valid UTF-8 is no accident in Asian pages: each is one by chance in 3 (assumed)
NAMES = {"uhc": "euc-kr", "mac-cyrillic": "x-mac-cyrillic", "ascii": ""}  # of the detector's, those that are no label


def page_string(page: bytes, header: str = "") -> str:
    """A page's HTML; `header` is the charset that its HTTP header declares.

    >>> page_string("<meta charset=latin1><p>café".encode(), "koi8-r")
    '<meta charset=latin1><p>café'
    """
    for mark, encoding in MARKS:
        if page.startswith(mark):
            return decode(page[len(mark) :], encoding)
    if page[:2] in WITHOUT_MARK:
        return decode(page, WITHOUT_MARK[page[:2]])
    if page.isascii() and not SWITCHES.search(page) and b"\0" not in page:
        return page.decode("ascii")
    valid = _as_utf8(page)
    if valid and _beyond_ascii(valid) >= SURE:
        return valid
    declared = [
        name for name in dict.fromkeys((encoding_of(header), declared_encoding(page))) if _is_possible(name, page)
    ]
    if page.isascii():
        return decode(page, declared[0] if declared else "iso-2022-jp" if b"\x1b$" in page else "utf-8")
    if valid and (not declared or declared[0] == REPLACEMENT or is_one_byte(declared[0])):
        return valid
    return _best(page, declared, valid)


def _is_possible(name: str, page: bytes) -> bool:
    """Whether a page may be in an encoding: in UTF-16 every second byte of its markup is 0."""
    return bool(name) and not (name.startswith("utf-16") and page.count(b"\0") * 4 < len(page))


def _as_utf8(page: bytes) -> str:
    """The text where the bytes are UTF-8, but for a cut last character or little damage; else empty."""
    try:
        text, size = codecs.utf_8_decode(page, "strict", False)
    except UnicodeDecodeError:
        text = page.decode("utf-8", "replace")
        return text if _beyond_ascii(text) >= SURE and _broken_share(text) <= FEW_BROKEN else ""
    return text + "\ufffd" * (size < len(page))


def _best(page: bytes, declared: list[str], valid: str) -> str:
    """The first of the declared charsets in which nothing is broken, else the one that breaks least."""
    texts = {name: decode(page, name) for name in declared}
    whole = [name for name in declared if not BROKEN.search(texts[name])]
    if len(whole) > 1:
        return texts[whole[1] if _contradicts(page, *whole[:2]) else whole[0]]
    if whole:
        return texts[whole[0]]
    if valid:
        return valid
    for name in declared:
        if _broken_share(texts[name]) <= FEW_BROKEN:
            return texts[name]
    detected = _detected(page) or "windows-1252"
    texts[detected] = decode(page, detected)
    return min(texts.values(), key=_broken_share)


def _contradicts(page: bytes, header: str, meta: str) -> bool:
    """Whether the bytes speak for the page's own declaration, against the header's; both can decode them."""
    if is_one_byte(header) and not is_one_byte(meta):
        return True  # in which hardly any bytes are right by chance
    return _detected(page) == meta


def _detected(page: bytes) -> str:
    """What the bytes look like; a few of them look like anything, and are most often Western."""
    if _beyond_ascii(page.decode("latin-1")) < SURE:
        return "windows-1252"
    name = (detect_encoding(page, html5_compatible=False) or "").lower()
    return NAMES.get(name, encoding_of(name))


def _broken_share(text: str) -> float:
    """Share of the broken among the characters beyond ASCII."""
    return len(BROKEN.findall(text)) / max(1, _beyond_ascii(text))


def _beyond_ascii(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))
