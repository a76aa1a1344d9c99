"""When the sources change, only new and changed shards are filtered; the result is that of filtering all anew."""

import hashlib
import shutil

import yaml

from flows.experiment import load_experiment
from pipeline.stages.texts import compile_block_list, filter_shards


def filtered(file):
    corpus = load_experiment(file).corpus
    return filter_shards(corpus, compile_block_list(corpus), lambda _done, _all: None)


def content(stage):
    files = sorted(path for path in stage.rglob("*.parquet"))
    return {str(path.relative_to(stage)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_anew(stage):
    """Documents' files that were not linked from another stage."""
    return sorted(file.stem for file in (stage / "documents").glob("*.parquet") if file.stat().st_nlink == 1)


def test_only_new_and_changed_shards_are_filtered(tiny, tmp_path):
    folder = tmp_path / "changing"
    shutil.copytree(tiny, folder, ignore=shutil.ignore_patterns("work"))
    before = filtered(folder / "experiment.yaml")
    assert before.name.startswith("filter-")

    web = sorted((folder / "web").glob("*.warc.gz"))
    shutil.copy(web[0], folder / "web" / "0-first.warc.gz")  # the numbers of all later ranks change
    books = next((folder / "books").glob("*.zst"))
    shutil.copy(next((folder / "science").glob("*.zst")), books)
    after = filtered(folder / "experiment.yaml")
    order = [(shard.source, shard.name) for shard in find(folder)]
    new = {("web", "0-first.warc.gz"), ("books", books.name)}
    assert after != before
    assert read_anew(after) == [f"{rank:05d}" for rank, shard in enumerate(order) if shard in new]

    alone = yaml.safe_load((folder / "experiment.yaml").read_text()) | {"work": "elsewhere"}
    (folder / "alone.yaml").write_text(yaml.safe_dump(alone))
    whole = filtered(folder / "alone.yaml")
    assert read_anew(whole) == [f"{rank:05d}" for rank in range(len(order))]
    assert content(whole) == content(after)
    assert whole.name == after.name


def find(folder):
    from pipeline.read.sources import find_shards

    corpus = load_experiment(folder / "experiment.yaml").corpus
    return find_shards(corpus.texts, corpus.base)


def test_other_settings_take_nothing_over_and_neither_does_a_stage_that_was_damaged(tiny, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(tiny, folder, ignore=shutil.ignore_patterns("work", "web"))
    settings = yaml.safe_load((folder / "experiment.yaml").read_text())
    del settings["sources"]["web"], settings["topics"], settings["quality"]
    (folder / "experiment.yaml").write_text(yaml.safe_dump(settings))
    first = filtered(folder / "experiment.yaml")

    settings["read"] = {"max_page_bytes": 1_000_000}
    (folder / "other.yaml").write_text(yaml.safe_dump(settings))
    other = filtered(folder / "other.yaml")
    assert len(read_anew(other)) == len(find(folder))

    shutil.copy(next((folder / "code").glob("*.zst")), folder / "code" / "more.jsonl.zst")
    second = filtered(folder / "experiment.yaml")
    assert read_anew(second) != sorted(file.stem for file in (second / "documents").glob("*.parquet"))
    right = content(second)
    damaged = next(file for file in sorted((second / "documents").glob("*.parquet")) if file.stat().st_nlink == 2)
    damaged.write_bytes(b"PAR1" + bytes(damaged.stat().st_size - 8) + b"PAR1")  # in both folders
    load_experiment(folder / "experiment.yaml").corpus.stages.discard(second.name, "a test")
    assert content(filtered(folder / "experiment.yaml")) == right
    assert first.exists()
