"""JSONL and Parquet: records with a sound text are read, and what is refused is refused for its true reason."""

import json
from io import BytesIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warcio.warcwriter import WARCWriter
from warcs import read, shard

from pipeline.errors import PipelineError
from pipeline.read.readers import READERS
from pipeline.read.sources import Fields, Shard
from pipeline.store.write_documents import attributes_json

PROSE = "The river rose for three days and the people of the valley watched it with patience. "


def test_lines_that_are_no_documents_are_refused_and_the_rest_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    long = json.dumps({"text": "a" * 3_000})
    path.write_text(f'{{"text": "one"}}\nnonsense\n{{"no": "text"}}\n[1]\n{{"text": 5}}\n\n{long}\n{{"text": "two"}}')
    documents, refused = read(path, "jsonl", 1_000)
    assert [document.text for document in documents] == ["one", "two"]
    assert [row.reason for row in refused] == [
        "not JSON", "no field 'text'", "not an object", "field 'text' is a number", "larger than 1,000 bytes",
    ]  # fmt: skip
    assert not any(row.fatal for row in refused)
    assert [row.offset for row in refused] == [16, 25, 40, 44, 57]


def test_one_text_in_every_format(tmp_path):
    """The same documents as JSONL, as Parquet under other names, as WET."""
    texts = [f"{PROSE} Number {n}, with Žluťoučký kůň." for n in range(700)]
    urls = [f"https://example.org/{n}" for n in range(700)]
    pl.DataFrame({"body": texts, "link": urls}).write_parquet(tmp_path / "a.parquet")
    rows = [{"text": text, "metadata": {"url": url}} for text, url in zip(texts, urls, strict=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    for name, gzipped in (("a.wet", False), ("a.wet.gz", True)):
        with (tmp_path / name).open("wb") as file:
            writer = WARCWriter(file, gzip=gzipped)
            for text, url in zip(texts, urls, strict=True):
                writer.write_record(writer.create_warc_record(url, "conversion", payload=BytesIO(text.encode())))
    fields = Fields(text="body", url="link")
    for name, format in (("a.parquet", "parquet"), ("a.jsonl", "jsonl"), ("a.wet", "wet"), ("a.wet.gz", "wet")):
        path = tmp_path / name
        one = shard(path, format, fields=fields if format == "parquet" else Fields())
        found = list(READERS[format](one, 1 << 20))
        assert [document.text for document in found] == texts, name
        assert [document.metadata["url"] for document in found] == urls, name
        assert len({document.id for document in found}) == len(texts)
        assert {document.metadata["license"] for document in found} == {""}
        path.write_bytes(path.read_bytes()[:-1000])  # the last record or the footer is gone
        whole, refused = read(path, format)
        assert len(whole) < len(texts)
        assert len(refused) == 1, (name, refused)


def test_licence_and_domain_come_along(tmp_path):
    rows = [{"text": "a", "metadata": {"license": "CC0-1.0", "area": {"name": "law"}}}, {"text": "b", "rights": "MIT"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    plain = [d.metadata for d in READERS["jsonl"](shard(tmp_path / "a.jsonl", "jsonl"), 1 << 20)]
    assert [metadata["license"] for metadata in plain] == ["CC0-1.0", ""]
    assert not any("domain" in metadata for metadata in plain)
    fields = Fields(license="rights", domain="metadata.area.name")
    named = [d.metadata for d in READERS["jsonl"](shard(tmp_path / "a.jsonl", "jsonl", fields=fields), 1 << 20)]
    assert [(metadata["license"], metadata["domain"]) for metadata in named] == [("", "law"), ("MIT", "")]


def test_a_mapping_that_names_no_column(tmp_path):
    pl.DataFrame({"body": ["a"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(PipelineError, match=r"sources\.x\.fields\.text: a\.parquet has no column 'text' — it has body"):
        read(tmp_path / "a.parquet", "parquet")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b'{"text": "a", "metadata": {"loss": NaN, "best": Infinity, "worst": -Infinity}}', "a"),
        (b'{"text": "half \\ud83d of it", "metadata": {"\\udc00": "\\udfff"}}', "half \ufffd of it"),
        (b'{"text": "whole \\ud83d\\ude00, half \\ude00", "x": NaN}', "whole 😀, half \ufffd"),
        (b'\xef\xbb\xbf{"text": "a"}', "a"),
        (b'{"text": "a", "n": 123456789012345678901234567890, "f": 1e999}', "a"),
        (b'{"text": "a", "n": %s}' % (b"9" * 9_000), "a"),
        (b'{"text": "b", "text": "a"}', "a"),
        (b'{"text": "a\tb\x01"}', "a\tb\x01"),
        (b'{"text": "a", "x": "\xff"}', "a"),
        (b'  {"text": "a"}\r', "a"),
        (b'{"text": "nul \\u0000 in it"}', "nul \0 in it"),
    ],
)
def test_a_sound_text_is_read_whatever_its_envelope(tmp_path, line, text):
    (tmp_path / "a.jsonl").write_bytes(line + b'\n{"text": "next"}\n')
    documents, refused = read(tmp_path / "a.jsonl", "jsonl")
    assert [document.text for document in documents] == [text, "next"]
    assert not refused
    attributes = attributes_json(documents[0].metadata["attributes"])
    assert "NaN" not in attributes
    assert "Infinity" not in attributes


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "a"', "not JSON"),
        (b"{'text': 'a'}", "not JSON"),
        (b'{"text": NaN}', "no field 'text'"),
        (b'{"text": null}', "no field 'text'"),
        (b'{"TEXT": "a"}', "no field 'text'"),
        (b'{"text": 1}', "field 'text' is a number"),
        (b'{"text": true}', "field 'text' is true or false"),
        (b'{"text": ["a"]}', "field 'text' is a list"),
        (b'{"text": {"a": 1}}', "field 'text' is an object"),
        (b'"text"', "not an object"),
        (b'{"text": "caf\xe9"}', "not UTF-8"),
        (b'{"text": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_what_is_refused_is_refused_for_its_true_reason(tmp_path, line, reason):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n' + line + b'\n{"text": "two"}\n')
    documents, refused = read(tmp_path / "a.jsonl", "jsonl")
    assert [document.text for document in documents] == ["one", "two"]
    assert [(row.reason, row.fatal) for row in refused] == [(reason, False)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_with_a_byte_order_mark(tmp_path, encoding):
    rows = [{"text": f"čtvrtý {n} 😀"} for n in range(3)]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    mark = "\ufeff" if encoding.endswith(("-le", "-be")) else ""
    (tmp_path / "a.jsonl").write_bytes((mark + content).encode(encoding))
    documents, refused = read(tmp_path / "a.jsonl", "jsonl")
    assert [document.text for document in documents] == [row["text"] for row in rows]
    assert not refused


def test_large_numbers_as_ids_stay_different(tmp_path):
    ids = [12345678901234567890123, 12345678901234567890124]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": "a", "id": number}) + "\n" for number in ids))
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": "a", "id": str(number)}) + "\n" for number in ids))
    one, other = (
        [d.id for d in READERS["jsonl"](Shard(source="x", url=str(tmp_path / name), path="x", format="jsonl"), 1 << 20)]
        for name in ("a.jsonl", "b.jsonl")
    )
    assert one[0] == other[0]
    assert len({*one}) == 2


TEXTS = ["one", "two", "three"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.array([text.encode() for text in TEXTS], pa.binary()),
        pa.array([text.encode() for text in TEXTS], pa.large_binary()),
    ],
    ids=lambda column: str(column.type),
)
def test_texts_of_every_type_of_column(tmp_path, column):
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    documents, refused = read(tmp_path / "a.parquet", "parquet")
    assert [document.text for document in documents] == TEXTS
    assert not refused


@pytest.mark.parametrize("column", [pa.array([1, 2, 3]), pa.array([["a"]] * 3), pa.array([True] * 3)])
def test_a_column_that_holds_no_texts_is_named(tmp_path, column):
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    with pytest.raises(PipelineError, match=r"sources\.x\.fields\.text: a\.parquet holds .* in column 'text' — name a"):
        read(tmp_path / "a.parquet", "parquet")


def test_columns_that_nobody_asked_for_are_not_read(tmp_path):
    """Neither a date before year 1, nor a page of another column that is damaged."""
    marker = [f"{n:04d}-marker" * 40 for n in range(3)]
    metadata = [{"url": f"https://example.org/{n}", "when": -(1 << 60)} for n in range(3)]
    kind = pa.struct([("url", pa.string()), ("when", pa.timestamp("ms"))])
    columns = {
        "text": pa.array(TEXTS),
        "created": pa.array([-(1 << 60), 0, None], pa.timestamp("ms")),
        "when": pa.array([-(1 << 60)] * 3, pa.timestamp("ms")),
        "noise": pa.array(marker),
        "metadata": pa.array(metadata, kind),
        "topic": pa.array(["a", "b", "c"]),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", compression="none", use_dictionary=False)
    content = (tmp_path / "a.parquet").read_bytes()
    at = content.index(marker[0].encode())
    (tmp_path / "a.parquet").write_bytes(content[: at - 60] + bytes(50) + content[at - 10 :])
    asked = shard(tmp_path / "a.parquet", "parquet", attribute="topic")
    documents = list(READERS["parquet"](asked, 1 << 20))
    assert [document.text for document in documents] == TEXTS
    assert [document.metadata["url"] for document in documents] == [f"https://example.org/{n}" for n in range(3)]
    assert [document.metadata["date"] for document in documents] == ["", "1970-01-01 00:00:00", ""]


def test_bytes_that_are_no_text_are_refused_by_row(tmp_path):
    pq.write_table(pa.table({"text": pa.array([b"one", b"\xff\xfe", None], pa.binary())}), tmp_path / "a.parquet")
    documents, refused = read(tmp_path / "a.parquet", "parquet")
    assert [document.text for document in documents] == ["one"]
    assert [(row.reason, row.offset) for row in refused] == [("field 'text' is not UTF-8", 1), ("no field 'text'", 2)]
