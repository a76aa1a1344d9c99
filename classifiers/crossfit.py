"""Cross-fitted classifiers: a document is only ever scored by a model that was not trained on it.

The training texts are dealt into folds by their content; model f is trained without fold f. Any text, whether
it was trained on or not, belongs to the fold of its content and is scored by that fold's model. A model that
was trained elsewhere is a cross-fit of one fold.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.errors import ClassifierError
from classifiers.examples import Examples
from classifiers.model import TextModel, train_model
from classifiers.settings import TrainingSettings


def fold_of(text_hash: str, folds: int) -> int:
    """The fold of the text that has this hash (or begins so); the same text always falls into the same one."""
    return int(text_hash[:2], 16) % folds


@dataclass(frozen=True)
class CrossFit:
    """One model a fold."""

    models: tuple[TextModel, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, sorted; every fold's model knows all of them."""
        return self.models[0].labels

    def probabilities(self, texts: Sequence[str], hashes: Sequence[str]) -> np.ndarray:
        """(n_texts, n_labels) probabilities, each row by the model of its text's fold."""
        folds = np.array([fold_of(text_hash, len(self.models)) for text_hash in hashes], dtype=int)
        result = np.zeros((len(texts), len(self.labels)))
        for fold, model in enumerate(self.models):
            places = np.flatnonzero(folds == fold).tolist()
            if places:
                result[places] = model.probabilities([texts[i] for i in places])
        return result


def train_crossfit(
    examples: Examples,
    folds: int,
    settings: TrainingSettings,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> CrossFit:
    """Train one model a fold into `folder/<fold>.bin`.

    Raises:
        ClassifierError: a label is missing outside some fold (too few examples).
    """
    texts, labels = examples.texts, examples.labels
    of = np.array([fold_of(text_hash, folds) for text_hash in examples.hashes])
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
