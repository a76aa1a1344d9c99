"""Characters that are no text go, whatever format a document came in; those that spell words stay."""

import polars as pl
import pytest
from datatrove.data import Document

from pipeline.read.characters import CleanCharacters, cleaned


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("a\0b\x07c\x1b[0m\x7f", "abc[0m"),
        ("tab\tline\nreturn\r\n", "tab\tline\nreturn\r\n"),
        ("page\x0cpage\x0bline\u2028line\u2029", "page\npage\nline\nline\n"),
        ("it\x92s \x93so\x94 \x85\x81", "it’s “so” …"),
        ("hy\xadphen, zero\u200bwidth, \ufeffmark, joined\u2060words", "hyphen, zerowidth, mark, joinedwords"),
        ("abc\u202egnp.exe\u202c, \u200fשלום\u200e, \u2067a\u2069", "abcgnp.exe, שלום, a"),
        ("می\u200cخواهم क्\u200dष 👩\u200d💻 ❤\ufe0f", "می\u200cخواهم क्\u200dष 👩\u200d💻 ❤\ufe0f"),
        ("ไทย\u200bคน ខ្មែរ\u200bអាន ab\u200bไทย", "ไทย\u200bคน ខ្មែរ\u200bអាន abไทย"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f a\U000e0041b", "\U0001f3f4\U000e0067\U000e0062\U000e007f ab"),
        ("half \ud83d of it", "half \ufffd of it"),
        ("\ufdd0\uffff\ufffc\ufffd", "\ufffd"),
        ("plain", "plain"),
    ],
)
def test_what_nobody_sees_is_removed(text, right):
    assert cleaned(text) == right


def test_every_code_point_is_kept_or_is_one_of_few():
    """124 code points beside the halves of characters and the tags of flags."""
    changed = [code for code in range(0x110000) if cleaned(chr(code)) != chr(code)]
    assert len([code for code in changed if not 0xD800 <= code < 0xE000 and not 0xE0000 <= code < 0xE0080]) == 124


def test_the_funnel_counts_the_bytes(tmp_path):
    texts = ["soft\xad and \u200b", "nothing", "\ufeff\0"]
    documents = (Document(text=text, id=text, metadata={"source": "x"}) for text in texts)
    assert [document.text for document in CleanCharacters(tmp_path).run(documents)] == ["soft and ", "nothing"]
    rows = pl.read_parquet(tmp_path / "funnel" / "characters" / "*.parquet").sort("reason")
    assert rows.select("reason", "documents", "bytes_in", "bytes_out").rows() == [
        ("kept", 2, 21, 16), ("no text", 1, 4, 0),
    ]  # fmt: skip
