"""The encodings of web pages by their labels, and how a browser decodes them: the WHATWG's Encoding Standard.

Python's codecs decode them with the corrections below. Compared with all indexes of the standard, byte by byte and
pair by pair, three codes differ: A241 and A242 of Big5 give full-width slashes instead of small ones, 8FA2B7 of EUC-JP
gives ~ instead of a full-width one.
"""

import codecs
import re
from functools import cache

LABELS = """
utf-8: unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8
ibm866: 866 cp866 csibm866
iso-8859-2: csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2
iso-8859-3: csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3
iso-8859-4: csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4
iso-8859-5: csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988
iso-8859-6: arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127
    iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987
iso-8859-7: csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987
    sun_eu_greek
iso-8859-8: csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8
    iso_8859-8:1988 visual
iso-8859-8-i: csiso88598i logical
iso-8859-10: csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6
iso-8859-13: iso8859-13 iso885913
iso-8859-14: iso8859-14 iso885914
iso-8859-15: csisolatin9 iso8859-15 iso885915 iso_8859-15 l9
iso-8859-16:
koi8-r: cskoi8r koi koi8 koi8_r
koi8-u: koi8-ru
macintosh: csmacintosh mac x-mac-roman
windows-874: dos-874 iso-8859-11 iso8859-11 iso885911 tis-620
windows-1250: cp1250 x-cp1250
windows-1251: cp1251 x-cp1251
windows-1252: ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591
    iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252
windows-1253: cp1253 x-cp1253
windows-1254: cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5
    x-cp1254
windows-1255: cp1255 x-cp1255
windows-1256: cp1256 x-cp1256
windows-1257: cp1257 x-cp1257
windows-1258: cp1258 x-cp1258
x-mac-cyrillic: x-mac-ukrainian
gbk: chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk
gb18030:
big5: big5-hkscs cn-big5 csbig5 x-x-big5
euc-jp: cseucpkdfmtjapanese x-euc-jp
iso-2022-jp: csiso2022jp
shift_jis: csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis
euc-kr: cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949
replacement: csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr
utf-16be: unicodefffe
utf-16le: csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16
x-user-defined:
"""
REPLACEMENT = "replacement"  # encodings that are dangerous to decode: a browser shows one U+FFFD
ONE_BYTE = {  # name → Python's codec, where it is not the name
    "ibm866": "cp866", "macintosh": "mac-roman", "windows-874": "cp874", "x-mac-cyrillic": "mac-cyrillic",
    "iso-8859-8-i": "iso-8859-8",
}  # fmt: skip
CORRECTED = {"koi8-u": {0xAE: "ў", 0xBE: "Ў"}, "windows-1255": {0xCA: "\u05ba"}}
OTHERS = {
    "utf-8": "utf-8", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "gbk": "gb18030", "gb18030": "gb18030",
    "big5": "big5hkscs", "euc-jp": "euc_jp", "iso-2022-jp": "euc_jp", "shift_jis": "cp932", "euc-kr": "cp949",
}  # fmt: skip
JAPANESE = str.maketrans("\u301c\u2016\u2212\xa2\xa3\xac", "\uff5e\u2225\uff0d\uffe0\uffe1\uffe2")
AFTERWARDS = {  # what Python's codecs decode to → what the standard has there
    "gb18030": str.maketrans(
        "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7"
        "\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
        "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f"
        "\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
    ),
    "big5hkscs": str.maketrans("•､‾∼♁☉¥¢£", "‧﹑¯～⊕⊙￥￠￡"),
    "euc_jp": JAPANESE,
    "cp932": str.maketrans("\uf8f0\uf8f1\uf8f2\uf8f3", "\ufffd" * 4),
}
MISSING_IN_BIG5 = """
877a㡵𡵓𣚞𦀡㻬𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹瓆鿇垳
87c4䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋 8e69箸 8e6f簆 8e7e糎 8eab緒 8eb4縝 8ecd者 8ed0耨 8f57菁
8f69蒨 8f6e萏 8fcb覦覩 8ffe起 906d都 907a銹 90dc靜 90f1響 91bf鼖 9244蔃 92af兙兛兝兞 92c8鍮 92d1瑹 9447浧 94ca禛
95d9邗 9644靝 96ed瀞 96fc嬨 9b76爁 9b78矗 9b7b纇 9bc6駖 9bde釔 9bec惞 9bf6澶 9c42輶 9c53侻 9c62營 9c68鄄 9c6b鷰
9c77菏 9cbc尐秣 9cd0婧 9d57輋 9d5a筑 9dc4拐 9ea9恢 9eef痹 9efd汊 9f60鬮 9f66鼗 9fcb僭 9fd8弌 a063蠏 a077拎 a0d5瑨
a0df煢 a0e4牐 a3c0␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟␡€ c6cf廴 c6d3无 c6d5癶 c6d7隶 c6de〃仝 fa5f倩 fa66偽 fabd包
fac5卄 fad5卿 fb48嘅 fbb8婷 fbf3幵 fbf9廐 fc4f彘 fc6c悤 fcb9撐 fce2晴 fcf1杞 fdb7沜渝 fdbb港 fdf1煮 fe52猪 fe6f瑜
feaa瓩 fedd砉
"""  # runs of characters, each behind the code of its first
ESCAPE = re.compile(rb"\x1b(\([BJI]|\$[@B])")  # what ISO-2022-JP switches its character set with
ASCII = bytes(range(128)) + b"\xff" * 128  # a byte → the byte, or one that EUC-JP does not know
HIGH = bytes(range(128, 256)) * 2  # a byte → the byte with its highest bit


def encoding_of(label: str) -> str:
    """The name of the encoding that a label means; empty where it means none."""
    return _names().get(label.strip("\t\n\f\r ").lower(), "")


def is_one_byte(name: str) -> bool:
    """Whether each byte is a character, so that hardly any bytes are wrong in it."""
    return name not in OTHERS and name != REPLACEMENT


def decode(page: bytes, name: str) -> str:
    """The text in an encoding of this name, U+FFFD where it is broken."""
    if name == REPLACEMENT:
        return "\ufffd"
    if is_one_byte(name):
        return codecs.charmap_decode(page, "replace", _table(name))[0]
    if name == "iso-2022-jp":
        page = _as_euc(page)
    codec = OTHERS[name]
    text = page.decode(codec, _mended(codec) if codec in MENDED else "replace")
    return text.translate(AFTERWARDS[codec]) if codec in AFTERWARDS else text


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = {}
    for line in LABELS.strip().replace("\n    ", " ").split("\n"):
        name, _, labels = line.partition(":")
        names |= dict.fromkeys([name, *labels.split()], name)
    return names


@cache
def _table(name: str) -> str:
    """The 256 characters of an encoding; U+FFFE, which decodes to U+FFFD, where it has none."""
    if name == "x-user-defined":
        return bytes(range(128)).decode() + "".join(map(chr, range(0xF780, 0xF800)))
    characters = list(bytes(range(256)).decode(ONE_BYTE.get(name, name), "replace").replace("\ufffd", "\ufffe"))
    for code in range(0x80, 0xA0):  # unassigned ones mean control characters, where there are others
        characters[code] = chr(code) if characters[code] == "\ufffe" else characters[code]
    for code, character in CORRECTED.get(name, {}).items():
        characters[code] = character
    return "".join(characters)


@cache
def _missing_in_big5() -> dict[bytes, str]:
    missing = {}
    for run in MISSING_IN_BIG5.split():
        lead, trail = bytes.fromhex(run[:4])
        for character in run[4:]:
            missing[bytes([lead, trail])] = character
            trail = 0xA1 if trail == 0x7E else trail + 1
    return missing


def _big5_pair(pair: bytes) -> str:
    return _missing_in_big5().get(pair, "")


def _japanese_pair(pair: bytes) -> str:
    """Rows that Shift_JIS and EUC-JP share in the standard, and Python's EUC-JP lacks."""
    if len(pair) < 2 or min(pair) < 0xA1:
        return ""
    row, cell = pair[0] - 0xA1, pair[1] - 0xA1
    lead, trail = row // 2, row % 2 * 94 + cell
    shifted = bytes([lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)])
    character = shifted.decode("cp932", "replace")
    return character if len(character) == 1 and character != "\ufffd" else ""


def _gb_byte(pair: bytes) -> str:
    return "€" if pair[:1] == b"\x80" else ""


MENDED = {"big5hkscs": (_big5_pair, 2), "euc_jp": (_japanese_pair, 2), "gb18030": (_gb_byte, 1)}


@cache
def _mended(codec: str) -> str:
    """The name of an error handler that knows what a codec lacks."""
    known, size = MENDED[codec]

    def handle(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeDecodeError)
        character = known(error.object[error.start : error.start + size])
        return (character, error.start + size) if character else ("\ufffd", error.end)

    name = f"mixwright-{codec}"
    codecs.register_error(name, handle)
    return name


def _as_euc(page: bytes) -> bytes:
    """ISO-2022-JP as EUC-JP, whose characters are the same."""
    parts = ESCAPE.split(page)
    euc = [parts[0].translate(ASCII)]
    for mode, part in zip(parts[1::2], parts[2::2], strict=True):
        if mode.startswith(b"$"):
            euc.append(b"".join(line.translate(HIGH) if line.strip() else line for line in part.splitlines(True)))
        elif mode == b"(I":
            euc.append(b"".join(b"\x8e" + bytes([byte | 0x80]) for byte in part))
        else:
            part = part.translate(ASCII)
            euc.append(part.replace(b"\\", b"\xa1\xef").replace(b"~", b"\xa1\xb1") if mode == b"(J" else part)
    return b"".join(euc)
