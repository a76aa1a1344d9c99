"""fastText models: train, save, load, predict in batches.

fasttext-community is used for being bit-identical between runs at one thread. Its Python training call
reads a file, and its text must be one line a document, so newlines become spaces here and nowhere else.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import fasttext
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from classifiers.errors import ClassifierError

LABEL = "__label__"
MAGIC = (793712314).to_bytes(4, "little")  # first bytes of every fastText model file


class TrainingSettings(BaseModel):
    """How a fastText classifier is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(5, ge=1)
    """Passes over the training text."""
    learning_rate: float = Field(0.5, gt=0)
    """fastText's rate."""
    word_ngrams: int = Field(2, ge=1, le=5)
    """Longest word n-gram used as a feature."""
    dimensions: int = Field(32, ge=2)
    """Width of the embeddings."""
    passage: int = Field(1_000, ge=50)
    """Characters of each text that are trained on, so that no label is known by its texts' length."""
    hash_buckets: int = Field(200_000, ge=1_000)
    """Buckets of n-gram features; fastText's own two million would make a model of 800 MB."""


class TextModel:
    """A loaded fastText classifier."""

    def __init__(self, path: Path) -> None:
        """Raises ClassifierError where `path` is not a fastText model."""
        try:
            with path.open("rb") as file:
                head = file.read(4)
        except OSError as error:
            raise ClassifierError(f"model {path}: {error.strerror} — give the path of a fastText model") from None
        if head != MAGIC:
            raise ClassifierError(f"model {path}: not a fastText model (its first bytes are {head.hex()})")
        self._model = fasttext.load_model(str(path))
        self.labels: tuple[str, ...] = tuple(sorted(label.removeprefix(LABEL) for label in self._model.labels))

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """(n_texts, n_labels) probabilities, columns in the order of `labels`; 0 where a text has no known word."""
        column = {label: number for number, label in enumerate(self.labels)}
        result = np.zeros((len(texts), len(self.labels)))
        found = self._model.predict([one_line(text) for text in texts], k=len(self.labels))
        for row, (labels, values) in enumerate(zip(*found, strict=True)):
            for label, value in zip(labels, values, strict=True):
                result[row, column[label.removeprefix(LABEL)]] = min(1.0, float(value))
        return result

    def best(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """Each text's most probable label and its probability; ("", 0) where no word is known."""
        labels, values = self._model.predict([one_line(text) for text in texts], k=1)
        return [
            (label[0].removeprefix(LABEL), min(1.0, float(value[0]))) if len(label) else ("", 0.0)
            for label, value in zip(labels, values, strict=True)
        ]


def train_model(texts: Sequence[str], labels: Sequence[str], settings: TrainingSettings, path: Path) -> TextModel:
    """Train on (text, label) pairs and save to `path`; the same input gives the same bytes.

    Raises:
        ClassifierError: fewer than two labels.
    """
    if len(set(labels)) < 2:
        raise ClassifierError(f"classifier {path.name}: its training texts have {len(set(labels))} label(s), needs two")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=path.parent, encoding="utf-8") as file:
        for text, label in zip(texts, labels, strict=True):
            file.write(f"{LABEL}{label.replace(' ', '_')} {one_line(text[: settings.passage])}\n")
        file.flush()
        model = fasttext.train_supervised(
            file.name,
            epoch=settings.epochs,
            lr=settings.learning_rate,
            wordNgrams=settings.word_ngrams,
            dim=settings.dimensions,
            bucket=settings.hash_buckets,
            thread=1,  # more threads race, and the model would differ from run to run
            seed=0,
            verbose=0,
        )
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    model.save_model(str(aside))
    os.replace(aside, path)
    return TextModel(path)


def one_line(text: str) -> str:
    """White space folded to single spaces; fastText reads a line as a document."""
    return " ".join(text.split())
