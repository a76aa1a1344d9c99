"""A classifier as it lies on disk: its models, the names of its labels, its calibration, its version.

`classifier.json` names the model files relative to its folder: one a fold where they were trained here, or one
that came from elsewhere.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.calibrate import Calibration
from classifiers.crossfit import CrossFit
from classifiers.model import TextModel

CODE = 2  # raised when the same texts and settings would give another classifier


@dataclass(frozen=True)
class Classifier:
    """What scores documents."""

    version: str
    crossfit: CrossFit
    calibration: Calibration

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, sorted."""
        return self.crossfit.labels

    def scores(self, texts: Sequence[str], hashes: Sequence[str]) -> np.ndarray:
        """(n_texts, n_labels) calibrated probabilities; `hashes` are the texts' own (or how those begin)."""
        return self.calibration.apply(self.crossfit.probabilities(texts, hashes), self.labels)


def version_of(settings: Mapping[str, Any], examples: str, models: str = "") -> str:
    """Twelve hexadecimal digits: a hash of settings, training texts, given model files, and the code's version."""
    code = [CODE, version("fasttext-community")]
    content = json.dumps([code, settings, examples, models], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def describe_classifier(name: str, models: Sequence[str], names: Mapping[str, str], calibration: Calibration) -> bytes:
    """Content of `classifier.json`; `models` are paths relative to its folder, `names` of the models' labels."""
    content = {"version": name, "models": list(models), "names": dict(names), "calibration": asdict(calibration)}
    return json.dumps(content, indent=1, sort_keys=True).encode()


def load_classifier(folder: Path) -> Classifier:
    """The classifier that `folder/classifier.json` describes."""
    description = json.loads((folder / "classifier.json").read_bytes())
    models = tuple(TextModel(folder / path, description["names"]) for path in description["models"])
    return Classifier(description["version"], CrossFit(models), Calibration(**description["calibration"]))
