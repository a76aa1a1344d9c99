"""Flow 1's steps on real pages: damaged shards, rules, duplicates, folds."""

import gzip
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from warcio.warcwriter import WARCWriter

from classifiers.crossfit import fold_of, train_crossfit
from classifiers.errors import ClassifierError
from classifiers.model import TextModel, TrainingSettings
from pipeline.dedup import DedupSettings, ExactDedup
from pipeline.documents import SCHEMA, content_hash, write_rows
from pipeline.domains import split_topics
from pipeline.errors import PipelineError
from pipeline.extract import page_text
from pipeline.heuristics import HeuristicSettings, broken_rule
from pipeline.read import READERS, Refused
from pipeline.sources import Fields, Shard

PROSE = (
    "The river rose for three days and the people of the valley watched it with patience. They had seen the water "
    "come and go before, and they knew that it would leave good soil behind when it went. On the fourth day the "
    "rain stopped. By evening the children were out on the banks again, counting the planks that floated by and "
    "arguing about whose barn they had been. "
)


def shard(path: Path, format: str) -> Shard:
    return Shard(source="x", path=path, format=format, filters=True)


def read(path: Path, format: str) -> tuple[int, list[str]]:
    """(documents read, reasons of what was refused)."""
    found = list(READERS[format](shard(path, format)))
    return sum(not isinstance(f, Refused) for f in found), [f.reason for f in found if isinstance(f, Refused)]


@pytest.mark.parametrize(("folder", "format"), [("web", "warc"), ("code", "jsonl")])
def test_damaged_shards_give_what_is_before_the_damage_and_one_reason(tiny, tmp_path, folder, format):
    whole = next(iter(sorted((tiny / folder).glob("*"))))
    content = whole.read_bytes()
    documents, refused = read(whole, format)
    assert documents > 10
    assert not refused
    middle = len(content) // 2
    for name, damaged in {
        "cut": content[:middle],
        "overwritten": content[:middle] + bytes(64) + content[middle + 64 :],
        "other": b"not an archive at all\n" * 100,
    }.items():
        path = tmp_path / f"{name}{''.join(whole.suffixes)}"
        path.write_bytes(damaged)
        kept, reasons = read(path, format)
        assert len(reasons) == 1, (name, reasons)
        assert kept < documents
        assert kept > 0 or name == "other" or folder == "code"  # a small zstd frame is one block


def test_lines_that_are_no_documents_are_refused_and_the_rest_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one"}\nnonsense\n{"no": "text"}\n[1]\n{"text": 5}\n\n{"text": "two"}\n')
    documents, reasons = read(path, "jsonl")
    assert documents == 2
    assert reasons == ["not a record with a text"] * 4


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
        one = Shard(
            source="x", path=path, format=format, filters=True, fields=fields if format == "parquet" else Fields()
        )
        found = list(READERS[format](one))
        assert [document.text for document in found] == texts, name
        assert [document.metadata["url"] for document in found] == urls, name
        assert len({document.id for document in found}) == len(texts)
        path.write_bytes(path.read_bytes()[:-1000])  # the last record or the footer is gone
        whole, reasons = read(path, format)
        assert whole < len(texts)
        assert len(reasons) == 1, (name, reasons)


def test_a_plain_warc_reads_as_the_gzipped_one(tiny, tmp_path):
    packed = tiny / "web" / "a.warc.gz"
    with gzip.open(packed) as file:
        (tmp_path / "a.warc").write_bytes(file.read())
    one, other = (
        [f.metadata["raw"] for f in READERS["warc"](shard(path, "warc"))] for path in (packed, tmp_path / "a.warc")
    )
    assert one == other
    assert len(one) > 100


def test_a_mapping_that_names_no_column(tmp_path):
    pl.DataFrame({"body": ["a"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(PipelineError, match=r"sources\.x\.fields\.text: a\.parquet has no column 'text' — it has body"):
        read(tmp_path / "a.parquet", "parquet")


def test_extraction_keeps_the_main_text_and_knows_charsets():
    page = "<html><head><meta charset='iso-8859-2'></head><body><nav>Home</nav><main><p>Žluťoučký kůň</p></main></body>"
    assert "Žluťoučký kůň" in page_text(page.encode("iso-8859-2"))
    assert "Žluťoučký kůň" in page_text(page.replace("iso-8859-2", "x-none").encode("utf-8"), "utf-8")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (PROSE, None),
        ("Too short to say.", "too few words"),
        ("a b c d e " * 40, "word length"),
        ("lorem ipsum dolor sit amet " * 30, "stop words"),
        (PROSE + "#### $$$$ %%%% &&&& " * 60, "alphanumeric share"),
        ("\n".join(f"- {line}" for line in PROSE.split(". ") * 1), "bullet lines"),
        ("\n".join(f"{line}..." for line in PROSE.split(". ")), "ellipsis lines"),
        (PROSE + "\nBuy it now\n" * 20, "duplicate lines"),
        (PROSE + "red apples " * 60, "top 2-gram"),
    ],
)
def test_rules(text, rule):
    assert broken_rule(text, HeuristicSettings()) == rule


def test_of_equal_texts_the_newest_stays_ties_by_id(tmp_path):
    texts = [
        ("c", "2020", "same text"),
        ("a", "2024", "same  text"),
        ("b", "2024", "same text"),
        ("d", "2019", "other"),
    ]
    rows = [
        {
            "id": id, "source": "x", "url": "", "date": date, "hash": content_hash(text),
            "bytes": len(text), "attributes": "{}", "text": text,
        }
        for id, date, text in texts
    ]  # fmt: skip
    filtered = tmp_path / "filter"
    write_rows(rows[:2], SCHEMA, filtered / "documents" / "00000.parquet")
    write_rows(rows[2:], SCHEMA, filtered / "documents" / "00001.parquet")
    lost = {}
    for partitions in (1, 3):
        folder = tmp_path / f"dedup{partitions}"
        for rank in range(partitions):
            list(ExactDedup(filtered, DedupSettings(partitions=partitions), folder).run(None, rank, partitions))
        lost[partitions] = set(pl.read_parquet(folder / "duplicates" / "*.parquet")["id"])
        funnel = pl.read_parquet(folder / "funnel" / "exact_dedup" / "*.parquet")
        assert funnel["documents"].sum() == 4
    assert lost == {1: {"b", "c"}, 3: {"b", "c"}}


def test_no_text_is_scored_by_a_model_that_was_trained_on_it(tmp_path):
    texts = [f"{word} {PROSE[n : n + 80]} {n}" for n, word in enumerate(["good", "bad"] * 40)]
    labels = ["good", "raw"] * 40
    fitted = train_crossfit(texts, labels, 4, TrainingSettings(hash_buckets=1_000), tmp_path / "q")
    for fold in range(4):
        own = [text for text in texts if fold_of(text, 4) == fold]
        np.testing.assert_array_equal(fitted.probabilities(own), fitted.models[fold].probabilities(own))
        trained_on = [text for text in texts if fold_of(text, 4) != fold]
        vocabulary = set(fitted.models[fold]._model.words)
        assert all(
            text.split()[-1] not in vocabulary or text.split()[-1] in " ".join(trained_on).split() for text in own
        )
    assert fold_of("a  b\n", 7) == fold_of("a b", 7)


def test_training_twice_gives_the_same_bytes(tmp_path):
    texts, labels = [f"{PROSE} {n}" for n in range(20)], ["a", "b"] * 10
    for name in "12":
        train_crossfit(texts, labels, 2, TrainingSettings(hash_buckets=1_000), tmp_path / name)
    assert (tmp_path / "1" / "0.bin").read_bytes() == (tmp_path / "2" / "0.bin").read_bytes()


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "m.bin").write_bytes(b"hello" * 10)
    with pytest.raises(ClassifierError, match="not a fastText model"):
        TextModel(tmp_path / "m.bin")


def test_topics_become_domains_by_size():
    sizes = {"arts": 500, "law": 300, "sport": 120, "food": 30}
    table = pl.DataFrame({"source": ["web"] * 4, "topic": list(sizes), "bytes": list(sizes.values())})
    assert split_topics(table, min_bytes=200, most=3) == [
        ("web/arts", ("arts",)), ("web/other", ("food", "law", "sport")),
    ]  # fmt: skip
    assert split_topics(table, min_bytes=100, most=3)[:2] == [("web/arts", ("arts",)), ("web/law", ("law",))]
    assert split_topics(table, min_bytes=10_000, most=3) == [("web", None)]
