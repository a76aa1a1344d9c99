"""fastText models: train, save, load, predict in batches.

fasttext-community is used for being bit-identical between runs at one thread. Its Python training call
reads a file, and its text must be one line a document, so newlines become spaces here and nowhere else.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import fasttext
import numpy as np

from classifiers.errors import ClassifierError
from classifiers.file_format import LABEL, MAGIC
from classifiers.settings import TrainingSettings

# Characters of a text that are scored. Measured on the sample's held-out pages: average precision 0.993 from
# 500 characters on and from whole pages alike; topics' accuracy 0.834 at 300, 0.849 from 1,000 on.
SCORED = 20_000


class TextModel:
    """A loaded fastText classifier."""

    def __init__(self, path: Path, names: Mapping[str, str] | None = None) -> None:
        """Load the model at `path`, which must be one of ours or have passed `classifiers.probe.check_model`.

        `names` gives labels other names; labels of one name are one label, and their probabilities add up.

        Raises:
            ClassifierError: `path` is not a fastText model.
        """
        try:
            with path.open("rb") as file:
                head = file.read(4)
        except OSError as error:
            raise ClassifierError(f"model {path}: {error.strerror} — give the path of a fastText model") from None
        if head != MAGIC.to_bytes(4, "little"):
            raise ClassifierError(f"model {path}: not a fastText model (its first bytes are {head.hex()})")
        self._model = fasttext.load_model(str(path))
        own = {label: label.removeprefix(LABEL) for label in self._model.labels}
        renamed = {label: (names or {}).get(name, name) for label, name in own.items()}
        self.labels: tuple[str, ...] = tuple(sorted(set(renamed.values())))
        self._column = {label: self.labels.index(name) for label, name in renamed.items()}

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """(n_texts, n_labels) probabilities, columns in the order of `labels`; 0 where a text has no known word."""
        lines = [one_line(text[:SCORED]) for text in texts]
        labels, values = self._model.predict(lines, k=len(self._column))
        counts = [len(row) for row in labels]
        rows = np.repeat(np.arange(len(texts)), counts)
        columns = np.fromiter((self._column[label] for row in labels for label in row), int, sum(counts))
        result = np.zeros((len(texts), len(self.labels)))
        if len(rows):
            np.add.at(result, (rows, columns), np.concatenate(values))
        return np.minimum(result, 1)

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
    with training_file(texts, labels, settings.passage, path.parent) as file:
        model = fasttext.train_supervised(
            str(file),
            epoch=settings.epochs,
            lr=settings.learning_rate,
            wordNgrams=settings.word_ngrams,
            minn=settings.shortest_subword,
            maxn=settings.longest_subword,
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


@contextmanager
def training_file(texts: Sequence[str], labels: Sequence[str], passage: int, folder: Path) -> Iterator[Path]:
    """The first `passage` characters of each text and its label, as fastText reads them, while the context lasts."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=folder, encoding="utf-8") as file:
        for text, label in zip(texts, labels, strict=True):
            words = one_line(text[:passage]).replace(LABEL, " ")  # wherever it stands, fastText takes it for a label
            file.write(f"{LABEL}{label.replace(' ', '_')} {words}\n")
        file.flush()
        yield Path(file.name)


def one_line(text: str) -> str:
    """White space folded to single spaces; fastText reads a line as a document."""
    return " ".join(text.split())
