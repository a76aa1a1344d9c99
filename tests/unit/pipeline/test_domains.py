"""How a source becomes domains: by topic, or by a field of its records."""

import json

import polars as pl

from pipeline.label.label import LabelDocuments
from pipeline.pool.domains import PoolSettings, plan_domains, read_domains, split_topics
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
        "papers/physical_sciences": ("physical_sciences",),
        "papers/law": ("law",),
        "papers/other": ("other",),
    }
