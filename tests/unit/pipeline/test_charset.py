"""Pages are decoded as a browser decodes them, or better where the bytes plainly contradict what is declared."""

import doctest
import hashlib

import pytest

from pipeline.read import charset
from pipeline.read.charset import page_string
from pipeline.read.encodings import decode, encoding_of

RUSSIAN = "Старый маяк стоит над тихой бухтой, и рыбаки помнят каждую бурю."
FRENCH = "L’été dernier, la marée a emporté les façades : « c’était prévu », disait-on à Noël."
CHINESE = "老渔夫每天清晨推着木船出海，傍晚带着满舱的鱼回到安静的港湾，孩子们在码头上等他讲故事。"
TRADITIONAL = "老漁夫每天清晨推著木船出海，傍晚帶著滿艙的魚回到安靜的港灣。"
JAPANESE = "漁師は毎朝木の舟で海に出て、夕方には静かな港に戻ってくる。①②Ⅲ㈱～"
KOREAN = "늙은 어부는 매일 아침 나무배를 타고 바다로 나간다. 똠방각하 펲시콜라"
POLISH = "Stary rybak każdego ranka wypływał łodzią, źródła mówią o świcie i zmęczeniu."
GREEK = "Ο γέρος ψαράς βγαίνει κάθε πρωί στη θάλασσα με τη βάρκα του."
HEBREW = "הדייג הזקן יוצא כל בוקר לים בסירת העץ שלו וחוזר בערב."
THAI = "ชาวประมงเฒ่าออกทะเลทุกเช้าด้วยเรือไม้และกลับมาตอนเย็น"
UKRAINIAN = "Старий рибалка щоранку виходить у море, ґанок і їжа чекають."
TURKISH = "Yaşlı balıkçı her sabah denize açılır, ışık söner, İğde ağacı."
META, EQUIV = '<meta charset="%s">', '<meta http-equiv="Content-Type" content="text/html; charset=%s">'


def page(text: str, codec: str, head: str = "", start: str = "<!DOCTYPE html>") -> bytes:
    return f"{start}<html><head>{head}<title>t</title></head><body><p>{text}</p></body></html>".encode(codec)


CASES = {  # header, page, text
    # the byte order mark comes before everything
    "mark over header": ("koi8-r", b"\xef\xbb\xbf" + page(RUSSIAN, "utf-8"), RUSSIAN),
    "UTF-16LE mark": ("utf-8", b"\xff\xfe" + page(RUSSIAN, "utf-16-le", META % "utf-8"), RUSSIAN),
    "UTF-16BE mark": ("", b"\xfe\xff" + page(JAPANESE, "utf-16-be"), JAPANESE),
    # the header comes before the page's own
    "header over meta": ("windows-1251", page(RUSSIAN, "cp1251", META % "koi8-r"), RUSSIAN),
    "header in capitals": ("WINDOWS-1251", page(RUSSIAN, "cp1251"), RUSSIAN),
    "header without meaning": ("none", page(RUSSIAN, "koi8-r", META % "koi8-r"), RUSSIAN),
    "utf-7 is no label": ("utf-7", page(RUSSIAN, "cp1251", META % "windows-1251"), RUSSIAN),
    "UTF-16 header without mark": ("utf-16", page(FRENCH, "utf-16-le"), FRENCH),
    "UTF-16BE header without mark": ("utf-16be", page(RUSSIAN, "utf-16-be", start="\n<html>"), RUSSIAN),
    # what is a declaration in a page, and what is none
    "meta": ("", page(RUSSIAN, "cp1251", META % "windows-1251"), RUSSIAN),
    "meta in capitals": ("", page(RUSSIAN, "koi8-r", "<META CHARSET=KOI8-R>"), RUSSIAN),
    "meta with blanks": ("", page(POLISH, "iso8859-2", "<meta  charset = ' iso-8859-2 ' />"), POLISH),
    "http-equiv": ("", page(GREEK, "cp1253", EQUIV % "windows-1253"), GREEK),
    "content first": (
        "",
        page(GREEK, "iso8859-7", '<meta content="text/html; charset=greek" http-equiv=Content-type>'),
        GREEK,
    ),
    "quoted in content": ("", page(RUSSIAN, "koi8-r", EQUIV % "'koi8-r'"), RUSSIAN),
    "content without http-equiv": (
        "",
        page(RUSSIAN, "cp1251", '<meta name=x content="charset=koi8-r">' + META % "cp1251"),
        RUSSIAN,
    ),
    "commented": ("", page(RUSSIAN, "cp1251", f"<!-- {META % 'koi8-r'} -->{META % 'cp1251'}"), RUSSIAN),
    "comment that ends at once": (
        "",
        page(RUSSIAN, "cp1251", f"<!-->{META % 'cp1251'}<!-- {META % 'koi8-r'} -->"),
        RUSSIAN,
    ),
    "in a description": (
        "",
        page(RUSSIAN, "cp1251", '<meta name=description content="<meta charset=koi8-r>">' + META % "cp1251"),
        RUSSIAN,
    ),
    "in another tag": (
        "",
        page(RUSSIAN, "cp1251", f'<link title="{META % "koi8-r"}">'.replace('"koi8-r"', "koi8-r") + META % "cp1251"),
        RUSSIAN,
    ),
    "of a script": ("", page(RUSSIAN, "cp1251", "<script charset=koi8-r></script>" + META % "cp1251"), RUSSIAN),
    "first of two": ("", page(RUSSIAN, "cp1251", META % "cp1251" + META % "koi8-r"), RUSSIAN),
    "unknown, then known": ("", page(RUSSIAN, "cp1251", META % "unknown" + META % "cp1251"), RUSSIAN),
    "metadata is no meta": ("", page(RUSSIAN, "cp1251", "<metadata charset=koi8-r>" + META % "cp1251"), RUSSIAN),
    "behind 1024 bytes": ("", page(UKRAINIAN, "koi8-u", "<link rel=x>" * 200 + META % "koi8-u"), UKRAINIAN),
    "behind 1024 bytes, in a script": (
        "",
        page(UKRAINIAN, "cp1251", "<link rel=x>" * 200 + f"<script>'{META % 'koi8-u'}'</script>" + META % "cp1251"),
        UKRAINIAN,
    ),
    "XML declaration": ("", page(RUSSIAN, "koi8-r", start='<?xml version="1.0" encoding="koi8-r"?>'), RUSSIAN),
    "meta over XML": (
        "",
        page(RUSSIAN, "cp1251", META % "cp1251", start='<?xml version="1.0" encoding="koi8-r"?>'),
        RUSSIAN,
    ),
    "meta of UTF-16": ("", page(RUSSIAN, "utf-8", META % "utf-16"), RUSSIAN),
    "UTF-16 without any mark": ("", page(RUSSIAN, "utf-16-le"), RUSSIAN),
    # labels mean what they mean on the web
    "Latin-1 is 1252": ("iso-8859-1", page(FRENCH, "cp1252"), FRENCH),
    "ASCII is 1252": ("us-ascii", page("“caf\xe9” – €", "cp1252"), "“café” – €"),
    "x-user-defined in meta is 1252": ("", page("caf\xe9 ”", "cp1252", META % "x-user-defined"), "café ”"),
    "ISO-8859-9 is 1254": ("iso-8859-9", page(TURKISH + " “”", "cp1254"), TURKISH + " “”"),
    "TIS-620 is 874": ("tis-620", page(THAI + " “…”", "cp874"), THAI + " “…”"),
    "gb2312 is gbk": ("gb2312", page(CHINESE + "镕喆堃", "gbk"), CHINESE + "镕喆堃"),
    "gbk is gb18030": ("gbk", page(CHINESE + "㐂𠀀€", "gb18030"), CHINESE + "㐂𠀀€"),
    "80 of gbk is the euro": ("gbk", page(CHINESE, "gbk").replace(b"</p>", b"\x80</p>"), CHINESE + "€"),
    "big5": ("big5", page(TRADITIONAL, "big5"), TRADITIONAL),
    "big5 of Hong Kong": ("", page(TRADITIONAL + "嘅咗喺", "big5hkscs", META % "big5"), TRADITIONAL + "嘅咗喺"),
    "Shift_JIS is windows-31j": ("shift_jis", page(JAPANESE, "cp932"), JAPANESE),
    "EUC-JP with NEC's row": (
        "euc-jp",
        page("舟は静かな港に戻る。", "euc_jp").replace(b"</p>", b"\xad\xa1\xad\xb5</p>"),
        "戻る。①Ⅰ",
    ),
    "EUC-JP's wave": ("euc-jp", page("十時\u301c三時", "euc_jp"), "十時～三時"),
    "ISO-2022-JP": ("iso-2022-jp", page("漁師は毎朝海に出る", "iso2022_jp"), "漁師は毎朝海に出る"),
    "ISO-2022-JP, not declared": ("", page("漁師は毎朝海に出る", "iso2022_jp"), "漁師は毎朝海に出る"),
    "ks_c_5601-1987 is UHC": ("ks_c_5601-1987", page(KOREAN, "cp949"), KOREAN),
    "ISO-8859-8-I": ("iso-8859-8-i", page(HEBREW, "iso8859-8"), HEBREW),
    "1255": ("", page(HEBREW, "cp1255", META % "windows-1255"), HEBREW),
    "KOI8-U": ("koi8-u", page(UKRAINIAN, "koi8-u"), UKRAINIAN),
    "KOI8-R": ("koi", page(RUSSIAN, "koi8-r"), RUSSIAN),
    "Macintosh": ("macintosh", page("café “”", "mac-roman"), "café “”"),
    "Cyrillic Macintosh": ("x-mac-cyrillic", page(RUSSIAN, "mac-cyrillic"), RUSSIAN),
    "DOS": ("cp866", page(RUSSIAN, "cp866"), RUSSIAN),
    # bytes that contradict what is declared
    "UTF-8 under a Latin-1 header": ("iso-8859-1", page(FRENCH, "utf-8"), FRENCH),
    "UTF-8 under a Latin-1 meta": ("", page(RUSSIAN, "utf-8", META % "iso-8859-1"), RUSSIAN),
    "little UTF-8 under a Latin-1 header": ("latin1", page("© café", "utf-8"), "© café"),
    "UTF-8 under a GBK header": ("gbk", page(CHINESE, "utf-8"), CHINESE),
    "UTF-8 under a 1251 meta": ("", page(UKRAINIAN, "utf-8", EQUIV % "windows-1251"), UKRAINIAN),
    "UTF-8 under a UTF-16 header": ("utf-16", page(FRENCH, "utf-8"), FRENCH),
    "ASCII under a UTF-16 header": ("utf-16", page("nothing special", "ascii"), "nothing special"),
    "UTF-8 under what browsers refuse": ("iso-2022-kr", page(KOREAN, "utf-8"), KOREAN),
    "UTF-8, one byte damaged": ("iso-8859-1", page(RUSSIAN, "utf-8").replace("бурю".encode(), b"\xff"), RUSSIAN[:50]),
    "UTF-8, cut in a character": ("iso-8859-1", page(RUSSIAN, "utf-8") + "я".encode()[:1], RUSSIAN),
    "little UTF-8, declared, one byte damaged": (
        "utf-8",
        page("é è à ù \xff".replace("\xff", ""), "utf-8") + b"\xff",
        "é è à ù",
    ),
    "1251 under a UTF-8 header": ("utf-8", page(RUSSIAN, "cp1251", META % "windows-1251"), RUSSIAN),
    "1252 under a UTF-8 header": ("utf-8", page(FRENCH, "cp1252", EQUIV % "iso-8859-1"), FRENCH),
    "1252 under a UTF-8 meta": ("", page(FRENCH, "cp1252", META % "utf-8"), FRENCH),
    "1251 under a Latin-1 header": ("iso-8859-1", page(RUSSIAN * 3, "cp1251", META % "windows-1251"), RUSSIAN),
    "GBK under a Latin-1 header": ("iso-8859-1", page(CHINESE, "gbk", META % "gb2312"), CHINESE),
    "Shift_JIS under a Latin-1 header": ("iso-8859-1", page(JAPANESE, "cp932", META % "shift_jis"), JAPANESE),
    "EUC-KR under a UTF-8 header": ("utf-8", page(KOREAN, "cp949", META % "euc-kr"), KOREAN),
    "GBK that is valid UTF-8 by chance": ("gbk", page("谋", "gbk"), "谋"),
    "UTF-8, declared, one character in ten damaged": (
        "utf-8",
        page("é è à ù ç ê ô î û", "utf-8") + b"\xe9 ",
        "é è à ù ç ê ô î û",
    ),
    "mostly text, in UTF-16 without mark": ("", page(CHINESE * 20, "utf-16-be", start="\n\n <p>"), CHINESE),
    "accents that could be Big5": ("iso-8859-1", page("vérité, étés", "cp1252", META % "big5"), "vérité, étés"),
    # nothing declared
    "UTF-8": ("", page(FRENCH, "utf-8"), FRENCH),
    "1251": ("", page(RUSSIAN * 3, "cp1251"), RUSSIAN),
    "GB18030": ("", page(CHINESE * 3, "gb18030"), CHINESE),
    "Shift_JIS": ("", page(JAPANESE * 3, "cp932"), JAPANESE),
    "Latin": ("", page(FRENCH * 3, "cp1252"), FRENCH),
    "refused by browsers": ("iso-2022-kr", page("어부", "iso2022_kr"), "\ufffd"),
    "HZ is refused": ("hz-gb-2312", b"~{<:Ky2;NpJ)~}", "\ufffd"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_page_is_what_its_readers_see(case):
    header, content, text = CASES[case]
    assert text in page_string(content, header)


def test_labels_and_indexes_are_those_of_the_standard():
    """The SHA-256 of what the standard's own indexes give, U+FFFD where they have nothing."""
    pairs = [bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF) if trail != 0x7F]
    for name, units in {
        "koi8-u": [bytes([byte]) for byte in range(256)],
        "windows-1252": [bytes([byte]) for byte in range(256)],
        "windows-1255": [bytes([byte]) for byte in range(256)],
        "windows-874": [bytes([byte]) for byte in range(256)],
        "gbk": pairs,
        "euc-kr": pairs,
        "shift_jis": pairs,
        "euc-jp": pairs,
    }.items():
        decoded = [decode(unit, name) for unit in units]
        single = "".join(text if len(text) == 1 else "\ufffd" for text in decoded)
        assert hashlib.sha256(single.encode()).hexdigest()[:16] == INDEXES[name], name


INDEXES = {  # name → the hash
    "koi8-u": "896c218aaf12ca1b",
    "windows-1252": "cc916e51644a12e8",
    "windows-1255": "870c5c5e687fabcd",
    "windows-874": "6a2c7940c3d68216",
    "gbk": "85373408efe24c65",
    "euc-kr": "5db064c43ec40970",
    "shift_jis": "901631d787019863",
    "euc-jp": "cc0c40ab2427b77e",
}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Latin1", "windows-1252"),
        (" UTF8\n", "utf-8"),
        ("x-sjis", "shift_jis"),
        ("csISO58GB231280", "gbk"),
        ("iso-8859-11", "windows-874"),
        ("logical", "iso-8859-8-i"),
        ("visual", "iso-8859-8"),
        ("hz-gb-2312", "replacement"),
        ("unicode", "utf-16le"),
        ("utf-7", ""),
        ("hex", ""),
        ("idna", ""),
        ("\0", ""),
        ("utf-32", ""),
        ("", ""),
    ],
)
def test_labels(label, name):
    assert encoding_of(label) == name


def test_the_example():
    assert doctest.testmod(charset).failed == 0
