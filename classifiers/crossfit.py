"""Cross-fitted classifiers: a document is only ever scored by a model that was not trained on it.

The training texts are dealt into folds by their content; model f is trained without fold f. Any text, whether
it was trained on or not, belongs to the fold of its content and is scored by that fold's model.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.errors import ClassifierError
from classifiers.model import TextModel, TrainingSettings, one_line, train_model


def fold_of(text: str, folds: int) -> int:
    """The fold of a text; the same text, whatever its white space, always falls into the same one."""
    return hashlib.sha256(one_line(text).encode()).digest()[0] % folds


@dataclass(frozen=True)
class CrossFit:
    """One model a fold."""

    models: tuple[TextModel, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, sorted; every fold's model knows all of them."""
        return self.models[0].labels

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """(n_texts, n_labels) probabilities, each row by the model of its text's fold."""
        folds = np.array([fold_of(text, len(self.models)) for text in texts], dtype=int)
        result = np.zeros((len(texts), len(self.labels)))
        for fold, model in enumerate(self.models):
            mine = np.flatnonzero(folds == fold).tolist()
            if mine:
                result[mine] = model.probabilities([texts[i] for i in mine])
        return result


def train_crossfit(
    texts: Sequence[str],
    labels: Sequence[str],
    folds: int,
    settings: TrainingSettings,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> CrossFit:
    """Train one model a fold into `folder/<fold>.bin`.

    Raises:
        ClassifierError: a label is missing outside some fold (too few examples).
    """
    of = np.array([fold_of(text, folds) for text in texts])
    models = []
    for fold in range(folds):
        kept = np.flatnonzero(of != fold).tolist()
        missing = set(labels) - {labels[i] for i in kept}
        if missing:
            raise ClassifierError(
                f"classifier {folder.name}: label {sorted(missing)[0]!r} has too few texts to hold a fold out"
            )
        models.append(
            train_model([texts[i] for i in kept], [labels[i] for i in kept], settings, folder / f"{fold}.bin")
        )
        if progress:
            progress(fold + 1, folds)
    return CrossFit(tuple(models))


def load_crossfit(folder: Path, folds: int) -> CrossFit:
    """The models that `train_crossfit` saved."""
    return CrossFit(tuple(TextModel(folder / f"{fold}.bin") for fold in range(folds)))
