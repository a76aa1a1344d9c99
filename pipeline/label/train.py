"""Trains the quality and topic classifiers on the filtered documents, or takes ready ones, and writes their cards."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from classifiers.autotune import tuned
from classifiers.calibrate import Calibration
from classifiers.classifier import describe_classifier, version_of
from classifiers.crossfit import CrossFit, train_crossfit
from classifiers.examples import Examples
from classifiers.model import TextModel
from classifiers.settings import QualitySettings, TopicSettings
from pipeline.errors import PipelineError
from pipeline.executor.progress import Progress
from pipeline.label.model_cards import measure_classifier, write_card
from pipeline.label.names import topic_names
from pipeline.label.pretrained import GOOD, RAW, ReadyModel
from pipeline.read.jsonl import read_jsonl
from pipeline.read.refused import Refused
from pipeline.read.sources import Shard
from pipeline.store.documents import scan
from pipeline.store.writing import write_aside


def quality_examples(
    filtered: Path, cleaned: Path, positives: list[Path], language: Path, keep: str, settings: QualitySettings
) -> Examples | None:
    """Good prose and raw pages; None where a ready model is used and none are named.

    Raises:
        PipelineError: one of the two kinds has no text.
    """
    if settings.negatives is None:
        return None
    shards = [Shard(source="positives", url=str(path), format="jsonl") for path in positives]
    good = list(islice((text for shard in shards for text in _texts(shard)), settings.most_texts))
    raw = _raw_pages(filtered, cleaned, settings.negatives, language, keep, settings.most_texts)
    if not good or not raw:
        raise PipelineError(
            f"quality: {len(good)} positive and {len(raw)} negative texts — both are needed "
            f"(positives {settings.positives!r}, negatives from source {settings.negatives!r})"
        )
    labels = [GOOD] * len(good) + [RAW] * len(raw)
    return Examples(good + raw, labels, {"positives": len(good), settings.negatives: len(raw)})


def _texts(shard: Shard) -> Iterator[str]:
    """A file's texts; single lines that hold none are passed over.

    Raises:
        PipelineError: it cannot be read to its end.
    """
    for document in read_jsonl(shard):
        if not isinstance(document, Refused):
            yield document.text
        elif document.fatal:
            raise PipelineError(f"quality.positives: {shard.name}: {document.reason} — mend it or leave it out")


def _raw_pages(filtered: Path, cleaned: Path, source: str, language: Path, keep: str, limit: int) -> list[str]:
    """A source's pages in the wanted language, those that the rules on text dropped (as sampled) included."""
    dropped_for_text = ~pl.col("step").is_in(("urls", "extract", "characters", "language"))
    kept, dropped = (
        rows.filter(pl.col("source") == source).select("id", "text").bottom_k(limit, by="id").collect()
        for rows in (scan(cleaned, "documents"), scan(filtered, "dropped/*").filter(dropped_for_text))
    )
    speaks = TextModel(language).best(dropped["text"].to_list()) if len(dropped) else []
    same = dropped.filter(pl.Series([label == keep for label, _ in speaks], dtype=pl.Boolean))
    return pl.concat([kept, same]).sort("id").head(limit)["text"].to_list()


def topic_examples(cleaned: Path, settings: TopicSettings) -> Examples | None:
    """The labelled source's texts and topics; None where a ready model is used and no source is named.

    Raises:
        PipelineError: no document of the source has the attribute.
    """
    if settings.labelled is None:
        return None
    rows = (
        scan(cleaned, "documents")
        .filter(pl.col("source") == settings.labelled)
        .select("id", "text", "attributes")
        .bottom_k(settings.most_texts, by="id")
        .collect()
        .sort("id")
    )
    pairs = [
        (text, label)
        for text, attributes in rows.select("text", "attributes").iter_rows()
        if (label := str(json.loads(attributes).get(settings.attribute) or "")) and label not in settings.ignore
    ]
    if not pairs:
        raise PipelineError(
            f"topics.attribute: no document of source {settings.labelled!r} has an attribute {settings.attribute!r}"
        )
    names = topic_names(label for _, label in pairs)
    labels = [names[label] for _, label in pairs]
    return Examples([text for text, _ in pairs], labels, {settings.labelled: len(pairs)})


def make_classifier(
    kind: str,
    settings: QualitySettings | TopicSettings,
    examples: Examples | None,
    ready: ReadyModel | None,
    tuned_before: Path,
    folder: Path,
    progress: Progress,
) -> None:
    """Train `folder/<kind>` or take the ready model, calibrate it on the examples, and write its card.

    `tuned_before` remembers what autotune found.
    """
    if ready:
        used: dict[str, Any] = {"labels": ready.names}
        fitted = CrossFit((TextModel(ready.file, ready.names),))
        files, names, origin = [f"../../{ready.file.parent.name}/{ready.file.name}"], ready.names, ready.sha256
    else:
        assert examples is not None  # the settings' own check
        training = tuned(examples, settings.folds, settings.training, tuned_before)
        used = {"folds": settings.folds, **training.model_dump(exclude={"autotune_seconds"})}
        fitted = train_crossfit(examples, settings.folds, training, folder / kind, progress)
        files, names, origin = [f"{fold}.bin" for fold in range(settings.folds)], {}, ""
    version = version_of({"kind": kind, **used}, examples.id if examples else "", origin)
    calibration, measures, curves = (
        measure_classifier(kind, fitted, examples, settings.folds) if examples else (Calibration(), {}, [])
    )
    write_aside(folder / kind / "classifier.json", describe_classifier(version, files, names, calibration))
    made = {
        "origin": f"ready, sha256 {origin}" if origin else "trained",
        "settings": json.dumps({**used, "calibration": asdict(calibration)}, sort_keys=True),
        "sources": json.dumps(examples.sources if examples else {}, sort_keys=True),
    }
    write_card(folder, "models", kind, version, [made])
    write_card(
        folder, "classifiers", kind, version, [{"measure": name, "value": value} for name, value in measures.items()]
    )
    write_card(folder, "reliability", kind, version, curves)
