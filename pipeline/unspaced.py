"""Languages that put no blanks between words: their scripts, and how their texts are cut into words.

A run of such a script is cut where a hash of the two characters beside the cut says so. So equal passages are cut
alike, wherever they stand, and a text has about as many words as its English translation, for which thresholds
were set. A cut never parts a letter from its marks. No dictionary is needed, and no word is right for a reader.
"""

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np

HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))  # letters, bar a few not assigned
BLOCKS = (  # scripts that put no space between words
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF),  # Thai and Lao, Burmese, Khmer
    (0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F),  # Hiragana and Katakana
    *HAN,
)  # fmt: skip
LETTER, MARK = 1, 2
OTHERS = "\u3005\u3006\u3007"  # 々〆〇, letters of the block of CJK punctuation


@dataclass(frozen=True)
class Unspaced:
    """A language written without blanks between words.

    units: letters with their marks for each word of English. Measured on the Universal Declaration of Human Rights: its
    units in the language ÷ the 1,753 words of the English one.
    stop_words: as Gopher's for English; looked for anywhere in a text.
    """

    units: float
    stop_words: tuple[str, ...]
    blank_ends: bool = False  # whether a blank is what ends a sentence


CHINESE = Unspaced(1.44, ("的", "是", "了", "在", "不", "和", "有", "我"))
LANGUAGES = {  # by ISO 639-1 and 639-3, and what models of the two kinds of Chinese call them
    **dict.fromkeys(("zh", "zho", "cmn", "yue", "wuu"), CHINESE),
    **dict.fromkeys(("ja", "jpn"), Unspaced(2.14, ("の", "に", "は", "を", "た", "が", "で", "て"))),
    **dict.fromkeys(("th", "tha"), Unspaced(4.06, ("ที่", "และ", "ใน", "ของ", "เป็น", "ได้", "มี", "ไม่"), blank_ends=True)),
    **dict.fromkeys(("lo", "lao"), Unspaced(4.25, ("ແລະ", "ຂອງ", "ທີ່", "ໃນ", "ເປັນ", "ໄດ້", "ມີ", "ບໍ່"), blank_ends=True)),
    **dict.fromkeys(("km", "khm"), Unspaced(3.5, ("និង", "នៃ", "ជា", "ដែល", "មាន", "ក្នុង", "ការ", "នេះ"))),
    **dict.fromkeys(("my", "mya", "bur"), Unspaced(3.5, ("သည်", "နှင့်", "များ", "ကို", "၏", "တွင်", "မှ", "သော"))),
}


def unspaced_language(label: str) -> Unspaced | None:
    """The language of a label such as `zh`, `zh-tw` or `jpn_Jpan`; None where it puts blanks between words."""
    return LANGUAGES.get(re.split("[-_]", label.lower())[0])


@cache
def _kinds() -> np.ndarray:
    """(n_code_points,) of each character: LETTER or MARK of these scripts, else 0."""
    kinds = np.zeros(sys.maxunicode + 1, np.uint8)
    for first, last in set(BLOCKS) - set(HAN):
        for code in range(first, last + 1):
            kinds[code] = {"L": LETTER, "M": MARK}.get(unicodedata.category(chr(code))[0], 0)
    for first, last in HAN:
        kinds[first : last + 1] = LETTER
    kinds[[ord(letter) for letter in OTHERS]] = LETTER
    return kinds


@cache
def runs() -> re.Pattern[str]:
    """Finds runs of letters and marks of these scripts, as a group."""
    edges = np.flatnonzero(np.diff(_kinds() > 0, prepend=False, append=False)).reshape(-1, 2)
    return re.compile("([" + "".join(f"{chr(first)}-{chr(end - 1)}" for first, end in edges) + "]+)")


def cut_words(text: str, units: float) -> str:
    """The text with a blank between any two words of a run, which are about `units` letters long on average."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)  # (n_characters,)
    kinds = _kinds()[codes]
    first = kinds > 0
    first[1:] &= kinds[:-1] == 0  # of its run: compared with the next letter, even where it is a mark
    places = np.flatnonzero((kinds != MARK) | first)
    inside = kinds[places] > 0
    left, right = codes[places[:-1]], codes[places[1:]]
    mixed: np.ndarray = left * 0x9E3779B1 ^ right * 0x85EBCA6B  # modulo 2^32
    mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D
    below = (mixed ^ mixed >> 12) < int((1 << 32) / units)
    cuts = places[1:][below & inside[:-1] & inside[1:]]
    times = np.ones(len(codes), np.intp)
    times[cuts] = 2
    spaced = np.repeat(codes, times)
    spaced[cuts + np.arange(len(cuts))] = ord(" ")
    return spaced.tobytes().decode("utf-32-le", "surrogatepass")
