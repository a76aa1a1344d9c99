"""Models that someone else trained label and measure a real pool."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from support import SAMPLE, read_lines

from classifiers.classifier import load_classifier
from classifiers.examples import Examples, text_hash
from classifiers.load_check import check_model
from classifiers.model import TextModel, TrainingSettings, train_model
from flows.errors import ExperimentError
from flows.experiment import load_experiment
from pipeline.label.names import topic_names
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine

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
    merged = topic_names([names[0]])[names[0]]  # two of the model's labels
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


def test_the_language_model_passes():
    found = check_model(SAMPLE / "lid.176.ftz", "language.model")
    assert len(found.labels) == 176
    assert "en" in found.labels
    assert len(text_hash("a")) == 64
