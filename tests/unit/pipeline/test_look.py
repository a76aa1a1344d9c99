"""What a file is, and which of its fields is what, by a few bytes and records of it."""

import bz2
import gzip
import json

import polars as pl
import pytest
import zstandard

from pipeline.errors import PipelineError
from pipeline.look.fields import Chosen, choose_fields
from pipeline.look.formats import Unreadable, format_of
from pipeline.look.listing import FileAt, list_files
from pipeline.look.sample import MOST_BYTES, MOST_RECORDS, sample_files
from pipeline.look.source import is_code, look_at

LINE = b'{"text": "some words"}\n'
LONG = "a sentence of some length that goes on until it is long enough to be the text of a document"


def file_of(path, content: bytes) -> FileAt:
    path.write_bytes(content)
    return FileAt(str(path), path.name, len(content))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", LINE, "jsonl"),
        ("no ending", LINE, "jsonl"),
        ("a.json", b"\xef\xbb\xbf\n" + LINE, "jsonl"),
        ("a.jsonl", "\ufeff".encode("utf-16-le") + LINE.decode().encode("utf-16-le"), "jsonl"),
        ("a.jsonl", gzip.compress(LINE), "jsonl"),
        ("a.gz", bz2.compress(LINE), "jsonl"),
        ("a.zst", zstandard.ZstdCompressor().compress(LINE), "jsonl"),
        ("long.jsonl", b'{"text": "' + b"x" * 300_000 + b'"}\n', "jsonl"),
        ("a.json", b'[\n{"text": "a"}]', "JSON array"),
        ("a.json", b'{\n "text": "a"\n}', "JSON document"),
        ("a.csv", b"a,b\n1,2\n", "CSV"),
        ("a.txt", b"Dear reader\n", "plain text"),
        ("a.txt", "Viele Grüße und bis bald\n".encode("latin-1") * 20, "plain text"),
        ("a.html", b"<!DOCTYPE html><html>", "HTML or XML page"),
        ("a.pdf", b"%PDF-1.7 ...", "PDF file"),
        ("a.zip", b"PK\x03\x04" + b"x" * 40, "packed as zip"),
        ("a.bin", bytes(range(256)) * 20, "binary"),
        ("ids.bin", bytes(range(1, 256)) * 20, "binary"),
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b"\n \n", "empty"),
    ],
)
def test_formats_by_content(tmp_path, name, content, said):
    assert format_of(file_of(tmp_path / name, content)) == said


def test_warc_and_wet(tmp_path):
    page, text, info = (
        b"WARC/1.0\r\nWARC-Type: %s\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n" % kind
        for kind in (b"response", b"conversion", b"warcinfo")
    )
    assert format_of(file_of(tmp_path / "a", gzip.compress(info) + gzip.compress(page))) == "warc"
    assert format_of(file_of(tmp_path / "b", gzip.compress(info) + gzip.compress(text))) == "wet"


def test_damaged_packing_says_so(tmp_path):
    with pytest.raises(Unreadable, match="truncated"):
        format_of(file_of(tmp_path / "a.jsonl.gz", gzip.compress(LINE * 1_000)[:20] + b"\xff" * 40))


def chosen(*rows: dict, text: str | None = None) -> Chosen:
    result = choose_fields(rows, text)
    assert isinstance(result, Chosen)
    return result


def test_fields_are_found_by_name_and_content():
    row = {"content": LONG, "meta": {"uri": "https://a.org/x", "licence": "cc0"}, "title": "x", "timestamp": 3}
    fields = chosen(*[row] * 20).fields
    assert (fields.text, fields.id, fields.url, fields.date, fields.license) == (
        "content", "title", "meta.uri", "timestamp", "meta.licence",
    )  # fmt: skip
    usual = {
        "text": LONG,
        "id": "1",
        "url": "x",
        "created": "2020",
        "metadata": {"url": "https://a.org", "license": "x"},
    }
    assert chosen(*[usual] * 20).fields.model_dump(exclude_defaults=True) == {}


def test_a_text_of_another_name_is_taken_and_is_not_sure():
    found = chosen({"paragraphs_joined": LONG, "kind": "a"})
    assert (found.fields.text, found.is_sure) == ("paragraphs_joined", False)
    assert chosen({"a": LONG, "b": LONG + LONG}, text="a").fields.text == "a"


@pytest.mark.parametrize(
    ("rows", "text", "named"),
    [
        ([{"name": "Ann", "age": 3}], None, ["name (text of 3 characters)", "age (number)", "--text name"]),
        ([{"tokens": [1, 2], "n": 3}], None, ["tokens (list)", "into a field 'text'"]),
        ([{"a": LONG}], "b", ["'b'", "a (text of", "--text"]),
        ([{}], None, ["no fields"]),
    ],
)
def test_what_has_no_text_is_said_with_its_fields(rows, text, named):
    reason = choose_fields(rows, text)
    assert isinstance(reason, str)
    assert all(part in reason for part in named), reason


def test_a_field_of_few_values_may_name_domains():
    rows = [{"text": LONG, "topic": "abc"[i % 3], "author": f"author {i}", "date": "2020-01-01"} for i in range(30)]
    domain = chosen(*rows).domain
    assert domain
    assert (domain.path, len(domain.values)) == ("topic", 3)
    assert chosen(*({**row, "topic": i} for i, row in enumerate(rows))).domain is None
    assert chosen(*({**row, "topic": "one"} for row in rows)).domain is None


def test_code_is_told_from_prose():
    assert is_code(["def f(x):\n    return x + 1\n\nclass A:\n    pass_it = 3\n"])
    assert not is_code([LONG + "\n" + LONG])


def test_a_large_file_costs_no_more_than_a_small_one(tmp_path):
    """A file of more lines than are looked at; its documents are estimated from what was read."""
    line = json.dumps({"text": LONG * 5}).encode() + b"\n"
    count = 4 * MOST_BYTES // len(line)
    file = file_of(tmp_path / "a.jsonl", line * count)
    sample = sample_files([file], "jsonl")
    assert len(sample.rows) <= MOST_RECORDS
    assert sample.used < file.size / 2
    seen = look_at("a", [file], "jsonl")
    assert not seen.is_whole
    assert seen.documents == pytest.approx(count, rel=0.1)
    assert seen.text_bytes == pytest.approx(count * 5 * len(LONG), rel=0.1)


def test_parquet_tells_its_rows(tmp_path):
    pl.DataFrame({"body": [LONG] * 500, "lang": ["a", "b"] * 250}).write_parquet(tmp_path / "a.parquet")
    seen = look_at("a", list_files(str(tmp_path / "a.parquet")).files, "parquet")
    assert (seen.documents, seen.fields.text, seen.chosen.domain.path) == (500, "body", "lang")


def test_what_holds_no_record(tmp_path):
    with pytest.raises(PipelineError, match=r"no record of it can be read \(not JSON\)"):
        look_at("a", [file_of(tmp_path / "a.jsonl", b"{nothing\n" * 3)], "jsonl")


def test_links_that_lead_back_are_followed_once(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_bytes(LINE)
    (tmp_path / "in" / "back").symlink_to(tmp_path)
    (tmp_path / ".hidden").write_bytes(LINE)
    assert [file.below for file in list_files(str(tmp_path)).files] == ["in/a.jsonl"]
