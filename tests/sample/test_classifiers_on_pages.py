"""Classifiers that are trained: cross-fitted, calibrated, tuned once, versioned, and what labelling does with them."""

import json
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml
from support import SAMPLE, read_lines

from classifiers.autotune import tuned
from classifiers.classifier import load_classifier
from classifiers.crossfit import train_crossfit
from classifiers.errors import ClassifierError
from classifiers.examples import Examples
from classifiers.model import TrainingSettings
from flows.catalog.record import record_pool
from flows.experiment import Experiment, load_experiment
from pipeline.label.names import topic_names
from pipeline.pool.domains import PoolSettings, plan_domains, read_domains
from pipeline.stages import pool as assemble
from pipeline.stages import texts as refine
from pipeline.store.documents import scan

SMALL = TrainingSettings(hash_buckets=1_000)


def quiet(done: int, of: int) -> None:
    """Progress that nobody watches."""


def topics(most: int) -> Examples:
    """Encyclopedia leads with their topics."""
    rows = [row for row in read_lines(SAMPLE / "encyclopedia" / "00000.jsonl.zst") if topic_of(row)][:most]
    return Examples([row["text"] for row in rows], [topic_of(row) for row in rows], {"encyclopedia": len(rows)})


def topic_of(row: dict) -> str:
    topic = row["metadata"]["topic"]
    return "" if topic == "Uncategorized" else topic_names([topic])[topic]


def experiment(tiny: Path, name: str, **sections: dict) -> Experiment:
    """The tiny experiment with some fields of sections set, in a work folder of these tests."""
    content = yaml.safe_load((tiny / "experiment.yaml").read_text()) | {"work": "classified"}
    for section in ("quality", "topics"):
        content[section]["training"] = {"epochs": 9, "dimensions": 8, "hash_buckets": 10_000}
    for section, fields in sections.items():
        content[section] = {**content[section], **fields}
    (tiny / f"{name}.yaml").write_text(yaml.safe_dump(content))
    return load_experiment(tiny / f"{name}.yaml")


@pytest.fixture(scope="module")
def filtered(tiny) -> tuple[Path, ...]:
    corpus = experiment(tiny, "classified", executor={"workers": 1}).corpus
    found = refine.filter_shards(corpus, refine.compile_block_list(corpus), quiet)
    duplicates = refine.deduplicate(corpus, found, quiet)
    return found, refine.clean_documents(corpus, found, duplicates, quiet), duplicates


def labelled(tiny, filtered, name: str, **sections: dict) -> tuple[Experiment, dict[str, Path]]:
    """An experiment's stages as far as labels, from the filtered documents."""
    made = experiment(tiny, name, executor={"workers": 1}, **sections)
    models = assemble.train_classifiers(made.corpus, *filtered[:2], quiet)
    labels = assemble.label_documents(made.corpus, filtered[1], models, quiet)
    return made, {
        "filter": filtered[0],
        "clean": filtered[1],
        "deduplicate": filtered[2],
        "classify": models,
        "label": labels,
    }


def test_training_twice_gives_the_same_bytes(tmp_path):
    for name in "12":
        train_crossfit(topics(300), 2, SMALL, tmp_path / name)
    assert (tmp_path / "1" / "0.bin").read_bytes() == (tmp_path / "2" / "0.bin").read_bytes()


def test_autotune_searches_once(tmp_path):
    examples = topics(600)
    settings = TrainingSettings(epochs=3, dimensions=8, hash_buckets=1_000, autotune_seconds=2)
    found = tuned(examples, 2, settings, tmp_path / "known")
    (record,) = (tmp_path / "known").iterdir()
    assert TrainingSettings(**json.loads(record.read_bytes())) == found
    assert found.autotune_seconds is None
    assert (found.dimensions, found.hash_buckets) == (8, 1_000)  # these decide memory and are not searched
    made, content = record.stat().st_mtime_ns, record.read_bytes()
    for name in "12":
        train_crossfit(examples, 2, tuned(examples, 2, settings, tmp_path / "known"), tmp_path / name)
    assert (record.stat().st_mtime_ns, record.read_bytes()) == (made, content)
    assert list((tmp_path / "known").iterdir()) == [record]
    assert (tmp_path / "1" / "0.bin").read_bytes() == (tmp_path / "2" / "0.bin").read_bytes()
    record.write_text(found.model_copy(update={"epochs": 77}).model_dump_json())
    assert tuned(examples, 2, settings, tmp_path / "known").epochs == 77  # what is written is what counts


def test_a_search_without_time_for_a_trial_says_so(tmp_path):
    settings = TrainingSettings(epochs=10**6, autotune_seconds=1)
    with pytest.raises(ClassifierError, match=r"autotune of 1 s failed \(.*enough time") as error:
        tuned(topics(300), 2, settings, tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.json"))


def test_cards_close_and_tell_versions_apart(tiny, filtered):
    first, stages = labelled(tiny, filtered, "first")
    second, later = labelled(tiny, filtered, "second", quality={"training": {"epochs": 20, "hash_buckets": 10_000}})
    labelled(tiny, filtered, "first")  # finished long ago: the second is no version before it
    versions = {}
    for made, folders in ((second, later), (first, stages)):  # back to the first in the end
        record_pool(made, folders)
        with duckdb.connect(str(made.catalog), read_only=True) as catalog:
            versions[folders["classify"]] = dict(
                catalog.sql("select classifier, version from models where current").fetchall()
            )
            models = catalog.sql("select * from models").pl()
            measures = {row[:3]: row[3] for row in catalog.sql("from classifiers").fetchall()}
            curves = catalog.sql("from reliability").pl()
    one, other = versions[stages["classify"]], versions[later["classify"]]
    assert one["topic"] == other["topic"]  # nothing changed there
    assert one["quality"] != other["quality"]
    assert len(models) == 3
    scales = []
    for kind, version, settings, sources in models.select("classifier", "version", "settings", "sources").iter_rows():
        card = {measure: value for (k, v, measure), value in measures.items() if (k, v) == (kind, version)}
        assert card["texts"] == sum(json.loads(sources).values())
        assert card["texts"] == sum(value for measure, value in card.items() if measure.startswith("texts:"))
        curve = curves.filter(version=version).group_by("calibrated").agg(pl.col("texts").sum(), pl.len())
        assert curve.sort("calibrated").rows() == [(False, card["texts"], 10), (True, card["texts"], 10)]
        assert json.loads(settings)["folds"] == 2
        if kind == "quality":
            assert card["average_precision"] > card["average_precision:length_only"]
            assert card["roc_auc"] > card["roc_auc:length_only"] >= 0.5
            # Tenths of a few hundred texts are noisy; on the whole sample calibration lowers the error.
            assert card["calibration_error:calibrated"] < card["calibration_error:raw"] + 0.01
            scales.append(json.loads(settings)["calibration"]["scale"])
        else:
            named = {measure.partition(":")[2] for measure in card if measure.startswith("f1:")}
            assert named == {measure.partition(":")[2] for measure in card if measure.startswith("texts:")}
    assert any(scale != 1 for scale in scales)
    agreed = [(key, value) for key, value in measures.items() if key[2].startswith("agreement:")]
    (key, value), *others = agreed
    assert not others  # the topics' version did not change, and the first had none before it
    assert key == ("quality", other["quality"], f"agreement:{one['quality']}")
    assert 0.5 < value < 1


def test_low_quality_is_dropped_and_counted(tiny, filtered):
    _, whole = labelled(tiny, filtered, "first")
    everything = scan(whole["label"], "labels").collect()
    least = round(everything["quality"].quantile(0.3), 6)
    _, strict = labelled(tiny, filtered, "strict", quality={"min_score": least})
    assert whole["classify"] == strict["classify"]
    kept = scan(strict["label"], "labels").collect()
    low = everything.filter(pl.col("quality") < least)
    assert 0 < len(low) < len(everything.filter(source="web"))
    assert set(kept["id"]) == set(everything["id"]) - set(low["id"])
    funnel = pl.read_parquet(strict["label"] / "funnel" / "label" / "*.parquet")
    by_reason = dict(funnel.group_by("reason").agg(pl.col("documents").sum()).rows())
    assert by_reason == {"kept": len(kept), "low quality": len(low)}
    sizes = funnel.group_by("reason").agg(pl.col("bytes_in", "bytes_out").sum())
    assert set(sizes.rows()) == {
        ("kept", kept["bytes"].sum(), kept["bytes"].sum()), ("low quality", low["bytes"].sum(), 0),
    }  # fmt: skip
    dropped = pl.read_parquet(strict["label"] / "dropped" / "label" / "*.parquet")
    assert set(dropped["id"]) == set(low["id"])


def test_scores_are_calibrated_and_held_out(tiny, filtered):
    """A negative that was trained on has the score that the other folds' model gives it."""
    _, stages = labelled(tiny, filtered, "first")
    classifier = load_classifier(stages["classify"] / "quality")
    documents = scan(stages["filter"], "documents").filter(pl.col("source") == "web").collect()
    scores = dict(scan(stages["label"], "labels").select("id", "quality").collect().rows())
    for row in documents.head(20).iter_rows(named=True):
        model = classifier.crossfit.models[int(row["hash"][:2], 16) % 2]
        alone = classifier.calibration.apply(model.probabilities([row["text"]]), classifier.labels)
        assert scores[row["id"]] == pytest.approx(alone[0, classifier.labels.index("good")])


@pytest.mark.parametrize("sample", [20, 100_000])
def test_buckets_neither_depend_on_calibration_nor_on_the_ranks(tiny, filtered, tmp_path, monkeypatch, sample):
    monkeypatch.setattr("pipeline.pool.domains.EDGE_SAMPLE", sample)
    made, stages = labelled(tiny, filtered, "first")
    table = scan(stages["label"], "labels").collect()
    buckets = []
    for number, (files, power) in enumerate([(1, 1.0), (7, 1.0), (3, 5.0)]):
        folder = tmp_path / str(number)
        (folder / "labels").mkdir(parents=True)
        changed = table.with_columns(pl.col("quality") ** power)
        for rank in range(files):
            changed.gather_every(files, rank).write_parquet(folder / "labels" / f"{rank:05d}.parquet")
        plan_domains([folder], made.sources, PoolSettings(), 10**9, 3, folder)
        edges = read_domains(folder)["web"].edges
        web = changed.filter(source="web").sort("id")["quality"].to_numpy()
        buckets.append(np.searchsorted(edges, web, side="right"))
        assert len(edges) == 19
        assert len(web) > 20
        assert sample == 20 or np.ptp(np.bincount(buckets[-1], minlength=20)) <= 2
    assert (buckets[0] == buckets[1]).all()
    assert (buckets[0] == buckets[2]).all()
