"""`mixwright new` and experiments of sources alone, on real text and the command line."""

import json
import os

import pytest
import yaml
from new_folders import defaults_cache, place_of, write_folders
from support import here, mixwright, only_line, said_here

from flows.experiment import load_experiment
from flows.plan.plan import make_plan
from pipeline.sample.defaults import SUITE
from pipeline.stages.graph import finished_pool


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("new")
    write_folders(folder)
    return folder


@pytest.fixture(autouse=True)
def defaults(folder, monkeypatch):
    """A cache with the defaults."""
    cache = folder / ".cache"
    if not cache.exists():
        defaults_cache(cache)
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(cache))


def test_the_written_file_says_what_was_seen(folder):
    done = here("new", "wiki", "code", "law", "--hours", "0.1", "-o", "seen.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    made = load_experiment(folder / "seen.yaml")
    assert (made.name, made.work) == ("seen", "work/seen")
    assert {name: (source.path, source.format) for name, source in made.sources.items()} == {
        "wiki": ("wiki/all.jsonl", "jsonl"),
        "code": ("code/*.jsonl.gz", "jsonl"),
        "law": ("law/law.parquet", "parquet"),
    }
    wiki, code, law = (made.sources[name] for name in ("wiki", "code", "law"))
    assert (wiki.fields.text, wiki.fields.id, law.fields.text) == ("content", "title", "body")
    assert not any(source.filters for source in made.sources.values())
    assert code.without == ("repeats",)
    assert not wiki.without
    assert made.proxy.size == "100k"
    text = (folder / "seen.yaml").read_text()
    assert "domain: topic" in text
    assert f"tokens: {made.proxy.tokens:_}" in text
    assert (
        text.splitlines()[0]
        == "# Made by `mixwright new wiki code law --hours 0.1`. It runs as it is; change what you like:"
    )
    for part in ("content", "README.md", "field 'topic'", "mixwright plan seen.yaml", "recommend-mix seen.yaml"):
        assert part in done.stdout


def test_it_never_overwrites(folder):
    (folder / "mine.yaml").write_text("mine")
    assert "is there already" in said_here(folder, "new", "wiki", "code", "-o", "mine.yaml")
    assert (folder / "mine.yaml").read_text() == "mine"
    assert "no folder 'deep'" in said_here(folder, "new", "wiki", "code", "-o", "deep/mine.yaml")
    assert not list(folder.glob(".mine*"))


def test_paths_are_relative_to_the_file(folder):
    (folder / "inner").mkdir()
    done = here("new", "wiki", "code", "-o", "inner/e.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    assert load_experiment(folder / "inner" / "e.yaml").sources["wiki"].path == "../wiki/all.jsonl"


def test_pages_keep_the_filters(folder):
    from small_sample import copy_pages
    from support import SAMPLE

    copy_pages(SAMPLE / "web" / "00000.warc.gz", folder / "web" / "a.warc.gz")
    done = here("new", "web", "wiki", "-o", "pages.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    made = load_experiment(folder / "pages.yaml")
    assert made.sources["web"].filters
    assert not made.sources["wiki"].filters
    assert made.language.keep == "en"


def test_one_source_is_split_by_the_field_that_names_domains(folder):
    done = here("new", "wiki", "-o", "one.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    assert load_experiment(folder / "one.yaml").sources["wiki"].fields.domain == "topic"
    assert "a mix needs two domains" in said_here(folder, "new", "law", "-o", "other.yaml")


def test_records_without_a_text(folder):
    (folder / "people.jsonl").write_text('{"name": "Ann", "age": 3}\n' * 5)
    line = said_here(folder, "new", "people.jsonl", "wiki", "-o", "other.yaml")
    assert "name (text of 3 characters), age (number)" in line
    assert "--text name" in line


def test_without_the_language_model(folder, monkeypatch, tmp_path):
    """Languages are not told; the file is written all the same, and says so."""
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    done = here("new", "wiki", "code", "-o", "offline.yaml", folder=folder)
    assert done.returncode == 0, done.stderr
    assert "Languages were not told" in done.stdout
    assert load_experiment(folder / "offline.yaml").sources["wiki"].filters is False


def test_sources_alone_make_an_experiment(folder, monkeypatch, tmp_path):
    """It loads, plans and makes its pool; once that is finished, the defaults are not needed to find it."""
    sources = {
        "wiki": {"path": "wiki/*.jsonl", "format": "jsonl", "filters": False, "fields": {"text": "content"}},
        "law": {"path": "law/*", "format": "parquet", "filters": False, "fields": {"text": "body"}},
    }
    (folder / "alone.yaml").write_text(yaml.safe_dump({"sources": sources}))
    made = load_experiment(folder / "alone.yaml")
    assert (made.name, made.folder) == ("alone", folder / "work" / "alone")
    plan = make_plan(made, "h100")
    assert plan.flops.evaluation > 0
    mixwright("prepare", "alone.yaml", folder=folder)
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path / "nothing"))
    assert finished_pool(load_experiment(folder / "alone.yaml").corpus).name.startswith("pool-")
    assert not (tmp_path / "nothing").exists()


def test_from_folders_to_a_recommendation(folder):
    """What `new` writes runs as it is; here with fewer items, to be done sooner."""
    write_folders(folder / "small", 40)
    words = ("small/wiki", "small/code", "--hours", "0.01", "-o", "whole.yaml")
    assert here("new", *words, folder=folder).returncode == 0
    with (folder / "whole.yaml").open("a") as file:
        file.write("suite: {items: 4}\nfilters: {urls: {builtin: false}}\n")
    done = mixwright("recommend", "whole.yaml", "--json", folder=folder)
    assert set(json.loads(done.stdout)["mix"]) == {"wiki", "code"}


def test_a_missing_default_is_one_line(folder, monkeypatch, tmp_path):
    (folder / "fresh.yaml").write_text((folder / "alone.yaml").read_text())
    monkeypatch.setenv("MIXWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    line = only_line(mixwright("prepare", "fresh.yaml", folder=folder, expect=2))
    assert "suite.path: could not download" in line
    assert not place_of(tmp_path, SUITE).exists()
