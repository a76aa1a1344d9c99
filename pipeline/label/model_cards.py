"""Model cards: what is known of each version of a classifier.

By which settings and from what it was made, its held-out quality beside that of the texts' length alone, how often
its probabilities come true before and after calibration, and how far it agrees with the version before it.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from classifiers.calibrate import Calibration, calibration_error, fit_calibration, held_out_calibration, reliability
from classifiers.classifier import load_classifier
from classifiers.crossfit import CrossFit, fold_of
from classifiers.examples import Examples
from classifiers.measure import binary_scores, label_scores, length_scores, rank_correlation
from classifiers.model import SCORED
from pipeline.label.pretrained import GOOD
from pipeline.label.versions import QUALITY, TOPIC, version_at
from pipeline.store.documents import scan, write_parquet

COMPARED = 2_000  # documents on which two versions are compared
CARDS: dict[str, dict[str, Any]] = {
    "models": {"origin": pl.String, "settings": pl.String, "sources": pl.String},
    "classifiers": {"measure": pl.String, "value": pl.Float64},
    "reliability": {
        "calibrated": pl.Boolean, "bin": pl.Int64, "texts": pl.Int64, "predicted": pl.Float64, "observed": pl.Float64,
    },
}  # fmt: skip


def write_card(folder: Path, table: str, kind: str, version: str, rows: list[dict[str, Any]]) -> None:
    """`folder/cards/<table>/<kind>.parquet`: rows of one version of one classifier."""
    schema = {"classifier": pl.String, "version": pl.String, **CARDS[table]}
    whole = [{"classifier": kind, "version": version, **row} for row in rows]
    write_parquet(pl.DataFrame(whole, schema=schema), folder / "cards" / table / f"{kind}.parquet")


def measure_classifier(
    kind: str, fitted: CrossFit, examples: Examples, folds: int
) -> tuple[Calibration, dict[str, float], list[dict[str, Any]]]:
    """(calibration, held-out measures, rows of the reliability curves before and after it).

    The curve after calibration is that of texts whose own fold had no part in it; where its error is not smaller,
    probabilities stay uncalibrated.
    """
    truth, labels = examples.labels, fitted.labels
    raw = Calibration().apply(fitted.probabilities(examples.texts, examples.hashes), labels)
    of = np.array([fold_of(text_hash, folds) for text_hash in examples.hashes])
    calibrated = held_out_calibration(raw, labels, truth, of, bias=kind == QUALITY)
    curves = [reliability(*_claims(kind, given, labels, truth)) for given in (raw, calibrated)]
    before, after = map(calibration_error, curves)
    calibration = fit_calibration(raw, labels, truth, kind == QUALITY) if after < before else Calibration()
    measures = {
        "texts": len(truth),
        **{f"texts:{label}": texts for label, texts in examples.counts.items()},
        **_scores(kind, raw, labels, examples),
        "calibration_error:raw": before,
        "calibration_error:calibrated": after,
    }
    rows = [{"calibrated": bool(number), **asdict(point)} for number, curve in enumerate(curves) for point in curve]
    return calibration, measures, rows


def _claims(kind: str, probabilities: np.ndarray, labels: tuple[str, ...], truth: list[str]) -> tuple:
    """(what is predicted (n,), whether it is true (n,)): that a text is good, or that its best topic is right."""
    if kind == QUALITY:
        return probabilities[:, labels.index(GOOD)], np.array([label == GOOD for label in truth])
    best = probabilities.argmax(axis=1)
    return probabilities.max(axis=1), np.array([labels[b] == label for b, label in zip(best, truth, strict=True)])


def _scores(kind: str, probabilities: np.ndarray, labels: tuple[str, ...], examples: Examples) -> dict[str, float]:
    if kind == TOPIC:
        return label_scores(examples.labels, labels, probabilities)
    good = [label == GOOD for label in examples.labels]
    lengths = length_scores(good, [text[:SCORED] for text in examples.texts])
    return {**binary_scores(good, probabilities[:, labels.index(GOOD)]), **lengths}


def compare_versions(kind: str, models: Path, previous: Path, filtered: Path, sources: list[str], folder: Path) -> None:
    """Write, as part of the newer version's card, how far two versions agree on a fixed sample of documents.

    For quality Spearman's correlation of the scores, for topics the share of documents with equal labels.
    """
    documents = scan(filtered, "documents").filter(pl.col("source").is_in(sources)).select("id", "text", "hash")
    sample = documents.bottom_k(COMPARED, by="id").collect().sort("id")
    if not len(sample):
        return
    judged = []
    for stage in (models, previous):
        classifier = load_classifier(stage / kind)
        scores = classifier.scores(sample["text"].to_list(), sample["hash"].to_list())
        judged.append(
            scores[:, classifier.labels.index(GOOD)]
            if kind == QUALITY
            else np.array(classifier.labels)[scores.argmax(axis=1)]
        )
    value = rank_correlation(*judged) if kind == QUALITY else float(np.mean(judged[0] == judged[1]))
    row = {"measure": f"agreement:{version_at(previous, kind)}", "value": value}
    write_card(folder, "classifiers", kind, str(version_at(models, kind)), [row])
