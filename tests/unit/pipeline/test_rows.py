"""JSONL and Parquet: records with a sound text are read, and what is refused is refused for its true reason."""

import json
from io import BytesIO

import polars as pl
import pytest
from warcio.warcwriter import WARCWriter
from warcs import read, shard

from pipeline.errors import PipelineError
from pipeline.read.readers import READERS
from pipeline.read.sources import Fields

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
