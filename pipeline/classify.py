"""Trains the quality and topic classifiers on the filtered documents, and records their held-out quality."""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import polars as pl

from classifiers.crossfit import train_crossfit
from classifiers.measure import binary_scores, label_scores
from classifiers.model import TextModel
from classifiers.settings import QualitySettings, TopicSettings
from pipeline.documents import scan
from pipeline.errors import PipelineError
from pipeline.funnel import write_parquet
from pipeline.read import Refused, read_jsonl
from pipeline.sources import Shard

GOOD, RAW = "good", "raw"
Progress = Callable[[int, int], None]


def train_quality(
    filtered: Path,
    positives: list[Path],
    language: Path,
    keep: str,
    settings: QualitySettings,
    folder: Path,
    progress: Progress,
) -> None:
    """Good prose against raw pages, cross-fitted into `folder/quality`."""
    shards = [Shard(source="positives", path=path, format="jsonl", filters=False) for path in positives]
    documents = (found for shard in shards for found in read_jsonl(shard) if not isinstance(found, Refused))
    good = [document.text for document in islice(documents, settings.most_texts)]
    raw = _raw_pages(filtered, settings.negatives, language, keep, settings.most_texts)
    if not good or not raw:
        raise PipelineError(
            f"quality: {len(good)} positive and {len(raw)} negative texts — both are needed "
            f"(positives {settings.positives!r}, negatives from source {settings.negatives!r})"
        )
    texts, labels = good + raw, [GOOD] * len(good) + [RAW] * len(raw)
    fitted = train_crossfit(texts, labels, settings.folds, settings.training, folder / "quality", progress)
    held_out = fitted.probabilities(texts)[:, fitted.labels.index(GOOD)]
    scores = binary_scores([label == GOOD for label in labels], held_out)
    _record(folder, "quality", {"texts:good": len(good), "texts:raw": len(raw), **scores})


def _raw_pages(filtered: Path, source: str, language: Path, keep: str, most: int) -> list[str]:
    """A source's pages in the wanted language, those that the heuristics dropped (as sampled) included."""
    kept, dropped = (
        scan(filtered, table).filter(pl.col("source") == source).select("id", "text").bottom_k(most, by="id").collect()
        for table in ("documents", "dropped/heuristics")
    )
    speaks = TextModel(language).best(dropped["text"].to_list()) if len(dropped) else []
    same = dropped.filter(pl.Series([label == keep for label, _ in speaks], dtype=pl.Boolean))
    return pl.concat([kept, same]).sort("id").head(most)["text"].to_list()


def train_topics(filtered: Path, settings: TopicSettings, folder: Path, progress: Progress) -> None:
    """The labelled source's topics, cross-fitted into `folder/topic`."""
    rows = (
        scan(filtered, "documents")
        .filter(pl.col("source") == settings.labelled)
        .select("id", "text", "attributes")
        .bottom_k(settings.most_texts, by="id")
        .collect()
        .sort("id")
    )
    pairs = [
        (text, slug(label))
        for text, attributes in rows.select("text", "attributes").iter_rows()
        if (label := json.loads(attributes).get(settings.attribute)) and label not in settings.ignore
    ]
    if not pairs:
        raise PipelineError(
            f"topics.attribute: no document of source {settings.labelled!r} has an attribute {settings.attribute!r}"
        )
    texts, labels = [text for text, _ in pairs], [label for _, label in pairs]
    fitted = train_crossfit(texts, labels, settings.folds, settings.training, folder / "topic", progress)
    scores = label_scores(labels, fitted.labels, fitted.probabilities(texts))
    _record(folder, "topic", {"texts": len(texts), **scores})


def slug(label: str) -> str:
    """A topic as part of a domain's name: `Physical sciences` → `physical_sciences`."""
    return "_".join("".join(c if c.isalnum() else " " for c in label.lower()).split())


def _record(folder: Path, classifier: str, scores: dict[str, float]) -> None:
    rows = [(classifier, measure, float(value)) for measure, value in scores.items()]
    frame = pl.DataFrame(rows, schema=["classifier", "measure", "value"], orient="row")
    write_parquet(frame, folder / "classifiers" / f"{classifier}.parquet")
