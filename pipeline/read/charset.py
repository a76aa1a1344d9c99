"""Which text a page's bytes are: as in a browser, unless the bytes plainly contradict what is declared.

A byte order mark decides, then the HTTP header, then the page itself (https://html.spec.whatwg.org, "determining the
character encoding"). Servers and templates often declare what is wrong, and a browser shows garbage then. Three things
are better here: bytes that are valid UTF-8 are UTF-8; of two declarations the one in which nothing is broken counts;
and where nothing fits, the bytes are asked.
"""

import re

from resiliparse.parse.encoding import detect_encoding

from pipeline.read.declared import declared_encoding
from pipeline.read.encodings import REPLACEMENT, decode, encoding_of, is_one_byte

MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16be"), (b"\xff\xfe", "utf-16le"))
START = 1024  # bytes that tell UTF-16 without a byte order mark
BROKEN = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")  # what no page holds unless its charset is wrong
SWITCHES = (
    b"\x1b",
    b"~{",
    b"\x0e",
    b"\0",
)  # in pages whose bytes are ASCII and whose text is not: 7-bit encodings, UTF-16
FEW_BROKEN = 0.05  # share of the characters beyond ASCII that are broken in a damaged page of its charset (assumed)
MANY_BROKEN = 1 / 3  # up to which a page is UTF-8 if it says so; of pages in other charsets 0.67 or more are (measured)
SURE = 8  # characters from which on valid UTF-8 is no accident in Asian pages: each is one by chance in 3 (assumed)
NAMES = {"uhc": "euc-kr", "mac-cyrillic": "x-mac-cyrillic", "ascii": ""}  # of the detector's, those that are no label


def page_string(page: bytes, header: str = "") -> str:
    """A page's HTML; `header` is the charset that its HTTP header declares.

    >>> page_string("<meta charset=latin1><p>café".encode(), "koi8-r")
    '<meta charset=latin1><p>café'
    """
    return _read(page, header)[0]


def page_utf8(page: bytes, header: str = "") -> bytes:
    """A page's HTML in UTF-8; most pages are that already and need not be encoded again.

    >>> page_utf8("<meta charset=latin1><p>café".encode("latin-1")).decode()
    '<meta charset=latin1><p>café'
    """
    text, is_utf8 = _read(page, header)
    return page if is_utf8 else text.encode("utf-8", "replace")


def _read(page: bytes, header: str) -> tuple[str, bool]:
    """A page's HTML, and whether the page is it in UTF-8."""
    for mark, encoding in MARKS:
        if page.startswith(mark):
            return decode(page[len(mark) :], encoding), False
    if b"\0" in page[:START] and (encoding := _wide(page[:START])):
        return decode(page, encoding), False
    if page.isascii() and not any(switch in page for switch in SWITCHES):
        return page.decode("ascii"), True
    utf8 = page.decode("utf-8", "replace")
    share = _broken_share(utf8) if "\ufffd" in utf8 else 0.0
    many = len(page) - len(utf8) >= 3 * SURE and share == 0  # a character takes up to three bytes more
    if many or (share <= FEW_BROKEN and _beyond_ascii(utf8) >= SURE):
        return utf8, share == 0
    header_and_page = dict.fromkeys((encoding_of(header), declared_encoding(page)))
    declared = [name for name in header_and_page if name and not name.startswith("utf-16")]
    if page.isascii():
        return decode(page, declared[0] if declared else "iso-2022-jp" if b"\x1b$" in page else "utf-8"), False
    if share <= MANY_BROKEN and (not declared or "utf-8" in declared):
        return utf8, share == 0
    if share == 0 and (declared[0] == REPLACEMENT or is_one_byte(declared[0])):
        return utf8, True
    return _best(page, declared), False


def _wide(start: bytes) -> str:
    """The encoding of a page whose bytes are 0 by turns, as those of markup in UTF-16 are; empty where it is none."""
    zeros = start[::2].count(0), start[1::2].count(0)
    if max(zeros) * 32 < len(start) or min(zeros) * 4 > max(zeros):
        return ""
    return "utf-16be" if zeros[0] > zeros[1] else "utf-16le"


def _best(page: bytes, declared: list[str]) -> str:
    """The first of the declared charsets in which nothing is broken, else the one that breaks least."""
    texts = {name: decode(page, name) for name in declared}
    whole = [name for name in declared if not BROKEN.search(texts[name])]
    if len(whole) > 1 and _contradicts(page, whole[0], whole[1], texts[whole[1]]):
        return texts[whole[1]]
    if whole:
        return texts[whole[0]]
    for name in declared:
        if _broken_share(texts[name]) <= FEW_BROKEN:
            return texts[name]
    detected = _detected(page) or "windows-1252"
    texts[detected] = decode(page, detected)
    return min(texts.values(), key=_broken_share)


def _contradicts(page: bytes, header: str, meta: str, text: str) -> bool:
    """Whether the bytes speak for the page's own declaration, against the header's; both can decode them."""
    if is_one_byte(header) and not is_one_byte(meta):
        return _beyond_ascii(text) >= SURE  # hardly any bytes are right there by chance
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
