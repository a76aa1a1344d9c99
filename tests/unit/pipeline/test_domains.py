"""How a source becomes domains: by topic, or by a field of its records."""

import json

import polars as pl
import pytest

from pipeline.label.label import LabelDocuments
from pipeline.label.names import topic_names
from pipeline.pool.domains import PoolSettings, plan_domains, read_domains, split_topics
from pipeline.pool.tokenise import file_name
from pipeline.read.readers import ReadShards
from pipeline.read.sources import SourceSettings, find_shards
from pipeline.stages.clean import ReadDocuments
from pipeline.store.documents import scan
from pipeline.store.write_documents import WriteDocuments


def test_topics_become_domains_by_size():
    sizes = {"arts": 500, "law": 300, "sport": 120, "food": 30}
    table = pl.DataFrame({"source": ["web"] * 4, "topic": list(sizes), "bytes": list(sizes.values())})
    assert split_topics(table, min_bytes=200, most_domains=3) == [
        ("web/arts", ("arts",)), ("web/other", ("food", "law", "sport")),
    ]  # fmt: skip
    assert split_topics(table, min_bytes=100, most_domains=3)[:2] == [("web/arts", ("arts",)), ("web/law", ("law",))]
    assert split_topics(table, min_bytes=10_000, most_domains=3) == [("web", None)]


def test_a_field_names_the_domain_and_the_licence_comes_along(tmp_path):
    """From JSON lines to the plan of domains, through the stages' own steps."""
    fields = {"Physical Sciences": 6, "law": 3, "": 2}
    rows = [
        {"text": f"{field} {n} " * 40, "field": field, "terms": "CC-BY-4.0"}
        for field, count in fields.items()
        for n in range(count)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = SourceSettings(path="*.jsonl", format="jsonl", fields={"domain": "field", "license": "terms"})
    shards = find_shards({"papers": source}, tmp_path)
    list(WriteDocuments(tmp_path / "f").run(ReadShards(shards, tmp_path / "f").run()))
    list(WriteDocuments(tmp_path / "c").run(ReadDocuments(tmp_path / "f", {}).run()))
    assert set(scan(tmp_path / "c", "documents").collect()["license"]) == {"CC-BY-4.0"}
    LabelDocuments(tmp_path / "c", tmp_path, {"papers": source}, None, tmp_path / "l").run()
    plan_domains([tmp_path / "l"], {"papers": source}, PoolSettings(), 1, 1, tmp_path)
    plans = read_domains(tmp_path)
    assert {name: plan.topics for name, plan in plans.items()} == {
        "papers/physical_sciences": ("Physical Sciences",),
        "papers/law": ("law",),
        "papers/other": ("other",),
    }


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["C", "C++", "C#"], ["c", "c++", "c#"]),
        (["F", "F#"], ["f", "f#"]),
        (["Physical sciences"], ["physical_sciences"]),
        (["Node.js", "node js"], ["node.js", "node_js"]),
        (["a/b", "a"], ["a_b", "a"]),
        (["日本語", "中文"], ["日本語", "中文"]),
        (["..", "."], None),
        (["Web", "web", "WEB"], None),
        (["a b", "a_b", "a/b"], None),
        (["x" * 300, "x" * 301], None),
        (["!!!", "???", "\x1b[0m", "\0"], None),
        (["e\u0301", "\u00e9"], None),
        (["../../etc", "=1+1", "-rf", "@a", "+a"], None),
    ],
)
def test_different_labels_have_different_names(labels, names):
    named = topic_names(labels)
    assert names is None or [named[label] for label in labels] == names
    assert len({*named.values()}) == len({*labels})
    for name in named.values():
        assert len(name) <= 70
        assert "/" not in name
        assert name.isprintable()
        assert name[0] not in "=-@"
    files = {file_name(f"source/{name}") for name in named.values()}
    assert len(files) == len({*labels})
    assert all(len(name.encode()) < 100 for name in files)


def test_languages_of_the_public_case_are_three_domains(tmp_path):
    for name, label in (("c", "C"), ("cpp", "C++"), ("cs", "C#")):
        rows = [{"id": f"{name}-{n}", "text": f"// {name} {n}\n" * 40, "lang": label} for n in range(6)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    source = SourceSettings(path="*.jsonl", format="jsonl", fields={"domain": "lang"})
    shards = find_shards({"code": source}, tmp_path)
    for rank in range(3):
        list(WriteDocuments(tmp_path / "f").run(ReadShards(shards, tmp_path / "f").run(None, rank, 3), rank))
        list(WriteDocuments(tmp_path / "c").run(ReadDocuments(tmp_path / "f", {}).run(None, rank), rank))
        LabelDocuments(tmp_path / "c", tmp_path, {"code": source}, None, tmp_path / "l").run(None, rank)
    plan_domains([tmp_path / "l"], {"code": source}, PoolSettings(), 1, 1, tmp_path)
    assert {*read_domains(tmp_path)} == {"code/c", "code/c++", "code/c#"}
