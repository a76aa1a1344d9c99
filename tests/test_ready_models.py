"""Models that someone else trained: named labels, downloads that are bounded, hostile files refused alive."""

import contextlib
import functools
import gzip
import http.server
import json
import random
import struct
import threading
from pathlib import Path

import fasttext
import numpy as np
import polars as pl
import pytest
import yaml
from conftest import SAMPLE, read_lines

from classifiers.classifier import load_classifier
from classifiers.errors import ClassifierError
from classifiers.examples import Examples, text_hash
from classifiers.file_format import read_model_file
from classifiers.load_check import check_model, load_in_child
from classifiers.model import TextModel, TrainingSettings, train_model, training_file
from classifiers.settings import QualitySettings, TopicSettings
from flows.errors import ExperimentError
from flows.experiment import load_experiment
from pipeline.errors import PipelineError
from pipeline.label.pretrained import ready_quality, ready_topics, slug
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.store.stage import StageStore

SETTINGS = TrainingSettings(epochs=15, dimensions=8, hash_buckets=1_000)


def quiet(*_: object) -> None:
    """Progress that nobody reads."""


@pytest.fixture(scope="module")
def leads() -> Examples:
    """Encyclopedia leads, labelled by their topics' numbers as WebOrganizer's models are."""
    rows = read_lines(SAMPLE / "encyclopedia" / "00000.jsonl.zst", 2_500)
    rows = [row for row in rows if row["metadata"]["topic"] != "Uncategorized"]
    names = sorted({row["metadata"]["topic"] for row in rows})
    labels = [str(names.index(row["metadata"]["topic"])) for row in rows]
    return Examples([row["text"] for row in rows], labels, {name: number for number, name in enumerate(names)})


@pytest.fixture(scope="module")
def model(leads, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ready") / "topics.bin"
    train_model(leads.texts, leads.labels, SETTINGS, path)
    return path


def refused(content: bytes, path: Path, check=read_model_file) -> str:
    """The one line by which content is refused."""
    path.write_bytes(content)
    with pytest.raises(ClassifierError) as error:
        check(path, "topics.model x.bin")
    assert str(error.value).startswith("topics.model x.bin: ")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_ready_topic_model_with_named_labels_labels_the_pool(tiny, model, leads):
    names = {number: name for name, number in leads.sources.items()}
    content = yaml.safe_load((tiny / "experiment.yaml").read_text()) | {"work": "ready", "executor": {"workers": 1}}
    content["topics"] = {"model": str(model), "labels": {0: "Alpha & Omega", 1: names[0], 2: names[0]}}
    content["quality"] = {"model": str(model), "good": 3}
    (tiny / "ready.yaml").write_text(yaml.safe_dump(content))
    corpus = load_experiment(tiny / "ready.yaml").corpus
    filtered = refine.filter_shards(corpus, refine.compile_block_list(corpus), quiet)
    cleaned = refine.clean_documents(corpus, filtered, refine.deduplicate(corpus, filtered, quiet), quiet)
    models = assemble.train_classifiers(corpus, filtered, cleaned, quiet)
    topic, quality = (load_classifier(models / kind) for kind in ("topic", "quality"))
    own = TextModel(model).probabilities(leads.texts)  # columns in the order of the labels as texts
    columns = {label: column for column, label in enumerate(TextModel(model).labels)}
    scores = topic.scores(leads.texts, leads.hashes)
    merged = slug(names[0])  # two of the model's labels
    assert set(topic.labels) == {"alpha_omega", merged, *(str(number) for number in range(3, len(names)))}
    np.testing.assert_allclose(scores[:, topic.labels.index("alpha_omega")], own[:, columns["0"]], atol=2e-4)
    both = own[:, columns["1"]] + own[:, columns["2"]]
    np.testing.assert_allclose(scores[:, topic.labels.index(merged)], both, atol=2e-4)
    assert quality.labels == ("good", "raw")
    np.testing.assert_allclose(quality.scores(leads.texts, leads.hashes)[:, 0], own[:, columns["3"]], atol=2e-4)
    assert not list((models / "topic").glob("*.bin"))
    assert assemble.train_classifiers(corpus, filtered, cleaned, quiet) == models


def test_a_ready_model_is_measured_and_calibrated_where_labels_are_at_hand(tiny, model, leads):
    """Its labels carry the source's own names here, so it must be right about texts that it was trained on."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text()) | {"work": "ready", "executor": {"workers": 1}}
    content["topics"] |= {
        "model": str(model), "labels": {str(number): name for name, number in leads.sources.items()},
        "ignore": ["Uncategorized"],
    }  # fmt: skip
    (tiny / "measured.yaml").write_text(yaml.safe_dump(content))
    corpus = load_experiment(tiny / "measured.yaml").corpus
    filtered = refine.filter_shards(corpus, refine.compile_block_list(corpus), quiet)
    cleaned = refine.clean_documents(corpus, filtered, refine.deduplicate(corpus, filtered, quiet), quiet)
    models = assemble.train_classifiers(corpus, filtered, cleaned, quiet)
    card = dict(pl.read_parquet(models / "cards/classifiers/topic.parquet").select("measure", "value").rows())
    assert card["accuracy"] > 0.8
    assert card["texts"] > 100
    (row,) = pl.read_parquet(models / "cards/models/topic.parquet").to_dicts()
    assert row["origin"].startswith("ready, sha256 ")
    assert json.loads(row["sources"]) == {"encyclopedia": card["texts"]}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            {"labels": {"10x": "a"}},
            r"topics\.labels: the model has no label '10x' — did you mean '10'\? It has 0, 1, 10",
        ),
        ({"max_model_bytes": 1_000}, r"topics\.model: .* is larger than topics\.max_model_bytes, 1,000"),
        ({"model": "nowhere.bin"}, r"topics\.model: no file 'nowhere\.bin'"),
        ({"model": "nothing://x/y"}, r"topics\.model: cannot read nothing://x/y \(ValueError: Protocol not known"),
        ({"model": "http://127.0.0.1:1/m"}, r"topics\.model: cannot read http://127\.0\.0\.1:1/m \("),
    ],
)
def test_what_is_wrong_with_a_topic_model_is_one_line(tmp_path, model, section, said):
    settings = TopicSettings(**({"model": str(model)} | section))
    with pytest.raises(PipelineError, match=said) as error:
        ready_topics(StageStore(tmp_path), tmp_path, settings)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*model.bin"))[1:]  # the finished one at most; nothing is left of refused ones


def test_what_is_good_must_be_said(tmp_path, model):
    with pytest.raises(PipelineError, match=r"quality\.good: is missing — say which .* means good: 0, 1, 10, 2"):
        ready_quality(StageStore(tmp_path), tmp_path, QualitySettings(model=str(model)))
    with pytest.raises(PipelineError, match=r"quality\.good: the model has no label 'hq' — it has"):
        ready_quality(StageStore(tmp_path), tmp_path, QualitySettings(model=str(model), good="__label__hq"))
    found = ready_quality(StageStore(tmp_path), tmp_path, QualitySettings(model=str(model), good="__label__7"))
    assert found.names["7"] == "good"
    assert {name for label, name in found.names.items() if label != "7"} == {"raw"}


@pytest.mark.parametrize(
    ("section", "fields", "said"),
    [
        ("quality", {"negatives": "web"}, "give positives and negatives to learn from, or a ready model"),
        ("quality", {}, "give positives and negatives to learn from, or a ready model"),
        ("quality", {"positives": "x", "negatives": "web", "good": "hq"}, "but no model is given"),
        ("topics", {}, "give labelled, a source to learn topics from, or a ready model"),
        ("topics", {"labelled": "x", "labels": {"a": "b"}}, "but no model is given"),
    ],
)
def test_sections_that_name_neither_texts_nor_a_model(tiny, tmp_path, section, fields, said):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text()) | {section: fields}
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ExperimentError, match=f"e.yaml: {section}: .*{said}") as error:
        load_experiment(tmp_path / "e.yaml")
    assert "\n" not in str(error.value)


def test_a_model_is_downloaded_once(tmp_path, model):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(model.parent))
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/topics.bin"
        settings = TopicSettings(model=address)
        with pytest.raises(PipelineError, match=r"larger than topics\.max_model_bytes"):
            ready_topics(StageStore(tmp_path), tmp_path, settings.model_copy(update={"max_model_bytes": 5_000}))
        first = ready_topics(StageStore(tmp_path), tmp_path, settings)
        server.shutdown()
    assert first.file.read_bytes() == model.read_bytes()
    assert ready_topics(StageStore(tmp_path), tmp_path, settings) == first  # the server is gone
    assert first.sha256 == ready_topics(StageStore(tmp_path), tmp_path, TopicSettings(model=str(model))).sha256


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends a model's first bytes and never stops."""

    log_message = lambda *_: None  # noqa: E731

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(struct.pack("<i", 793712314) * 10_000)


def test_a_download_without_end_is_cut_off(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = TopicSettings(model=f"http://127.0.0.1:{server.server_port}/m.bin", max_model_bytes=3_000_000)
        with pytest.raises(PipelineError, match=r"larger than topics\.max_model_bytes, 3,000,000"):
            ready_topics(StageStore(tmp_path), tmp_path, settings)
        server.shutdown()
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size > 0]


def test_files_that_are_no_models_or_cut_or_longer_are_refused(model, tmp_path):
    whole = model.read_bytes()
    path = tmp_path / "x.bin"
    for content in (b"", b"words only\n" * 99, gzip.compress(whole[:9_999]), random.Random(1).randbytes(9_999)):
        assert "not a fastText model" in refused(content, path)
    places = [4, 8, 40, 63, 90, 95, 2_000, len(whole) // 3, len(whole) // 2, len(whole) - 400, len(whole) - 1]
    for place in places:
        assert "damaged" in refused(whole[:place], path), place
    assert "1 bytes follow its end" in refused(whole + b"x", path)
    assert "no numbers" in refused(whole[:-40] + struct.pack("<f", np.nan) + whole[-36:], path)
    assert check_model(model, "x").labels


def test_flipped_bytes_are_refused_or_harmless(model, tmp_path):
    """Of damage that passes the walk (a word's letters, a weight) the library makes a model that still predicts."""
    whole, path, rng = model.read_bytes(), tmp_path / "x.bin", random.Random(4)
    survivors = 0
    for _ in range(120):
        content = bytearray(whole)
        content[rng.choice([rng.randrange(4, 92), rng.randrange(92, 20_000)])] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        try:
            read_model_file(path, "x")
        except ClassifierError:
            continue
        survivors += 1
        if survivors % 12 == 1:
            load_in_child(path, "x")
    assert 12 < survivors < 110


@pytest.mark.parametrize(("cut", "said"), [(30, "died of SIGFPE"), (5_000, "bad_alloc")])
def test_a_loader_that_crashes_or_eats_memory_takes_only_its_child_along(model, tmp_path, cut, said):
    """Were the walk to miss it: cut in its header the library divides by zero, cut in a word it reads for ever."""
    assert said in refused(model.read_bytes()[:cut], tmp_path / "x.bin", load_in_child)


@pytest.mark.parametrize("kind", ["ova", "hs", "ns", "subwords", "words", "quantised", "pruned", "output"])
def test_every_kind_of_model_that_the_library_writes_passes(leads, tmp_path, kind):
    options = {"subwords": {"minn": 2, "maxn": 4}, "words": {"wordNgrams": 1}}.get(kind, {})
    options |= {"loss": kind} if kind in ("ova", "hs", "ns") else {}
    labels = [f"{label}-{n % 300}" for n, label in enumerate(leads.labels)] if kind == "output" else leads.labels
    with training_file(leads.texts, labels, 300, tmp_path) as file:
        given = {"bucket": 500, "wordNgrams": 2, "dim": 6, "epoch": 1, "thread": 1, "verbose": 0} | options
        made = fasttext.train_supervised(str(file), **given)
        if kind in ("quantised", "pruned", "output"):
            cut = {"cutoff": 1_000, "retrain": True} if kind == "pruned" else {}
            made.quantize(str(file), qnorm=kind != "quantised", qout=kind == "output", verbose=0, thread=1, **cut)
    made.save_model(str(tmp_path / "m.bin"))
    found = check_model(tmp_path / "m.bin", "x")
    assert set(found.labels) == set(labels)
    assert found.words == len(made.get_words())
    assert found.dimensions == 6


def test_the_language_model_passes():
    found = check_model(SAMPLE / "lid.176.ftz", "language.model")
    assert len(found.labels) == 176
    assert "en" in found.labels
    assert len(text_hash("a")) == 64
