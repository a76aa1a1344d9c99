"""Calibration: probabilities that come true as often as they say.

A calibrated probability is softmax(scale · log p + bias). With two labels this is Platt's sigmoid over the
log-odds (Platt 1999, with his smoothed targets), which keeps the order of texts, so that quality's vigintiles do
not move; with more and no bias a temperature (Guo et al. 2017), which keeps each text's most probable label. On the
sample's quality model (2,518 held-out texts, each calibrated by the other folds) the expected calibration error and
log loss are 0.031 and 0.159 as fastText has it, 0.016 and 0.147 by the sigmoid, 0.030 and 0.158 by a temperature,
0.009 and 0.161 by isotonic regression, which has but 95 different scores for them. A temperature takes the error of
topics after 69 epochs from 0.067 to 0.007, but after 15 epochs, where it is 0.011, makes it 0.017: hence whoever
fits one compares both on held-out texts and keeps the better.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

BINS = 10
FLOOR = 1e-12  # of a probability; fastText itself gives none under 1e-5
DIGITS = 6  # of a fitted number, so that another machine's last bits change nothing
LARGEST = 20.0  # of the scale and of its inverse


@dataclass(frozen=True)
class Calibration:
    """softmax(scale · log p + bias); as it stands, probabilities are only made to sum to 1."""

    scale: float = 1.0
    bias: dict[str, float] = field(default_factory=dict)  # by label; 0 where absent

    def apply(self, probabilities: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """(n, n_labels) calibrated from (n, n_labels); uniform where all are 0."""
        bias = np.array([self.bias.get(label, 0.0) for label in labels])
        scores = self.scale * np.log(np.maximum(probabilities, FLOOR)) + bias
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)


def fit_calibration(probabilities: np.ndarray, labels: Sequence[str], truth: Sequence[str], bias: bool) -> Calibration:
    """What calibrates held-out probabilities (n, n_labels): with `bias` a sigmoid for two labels, else a temperature.

    Texts whose true label is not among `labels` say nothing here. Probabilities stay as they are where the sigmoid
    would turn their order round.
    """
    rows = [row for row, label in enumerate(truth) if label in labels]
    if not rows:
        return Calibration()
    wanted = np.array([labels.index(truth[row]) for row in rows], dtype=int)
    logs = np.log(np.maximum(probabilities[rows], FLOOR))
    if not bias:
        return Calibration(_temperature(logs, wanted))
    slope, shift = _sigmoid(logs[:, 1] - logs[:, 0], wanted)
    return Calibration(slope, {labels[1]: shift}) if slope > 1 / LARGEST else Calibration()


def held_out_calibration(
    probabilities: np.ndarray, labels: Sequence[str], truth: Sequence[str], folds: np.ndarray, bias: bool
) -> np.ndarray:
    """(n, n_labels) probabilities, each fold's calibrated by all other folds: what calibration does to new texts."""
    result = np.zeros_like(probabilities)
    for fold in np.unique(folds):
        in_fold = folds == fold
        others = [label for label, own in zip(truth, in_fold, strict=True) if not own]
        result[in_fold] = fit_calibration(probabilities[~in_fold], labels, others, bias).apply(
            probabilities[in_fold], labels
        )
    return result


@dataclass(frozen=True)
class ReliabilityBin:
    """Texts whose predicted probability lies in one tenth of [0, 1]."""

    bin: int
    texts: int
    predicted: float | None  # mean of what was predicted
    observed: float | None  # share that came true


def reliability(predicted: np.ndarray, came_true: np.ndarray) -> list[ReliabilityBin]:
    """The reliability curve of predicted probabilities (n,) and what came true (n,), in ten bins."""
    of = np.minimum((predicted * BINS).astype(int), BINS - 1)
    bins = []
    for number in range(BINS):
        in_bin = of == number
        means = (float(predicted[in_bin].mean()), float(came_true[in_bin].mean())) if in_bin.any() else (None, None)
        bins.append(ReliabilityBin(number, int(in_bin.sum()), *means))
    return bins


def calibration_error(curve: Sequence[ReliabilityBin]) -> float:
    """Expected calibration error: mean distance of predicted and observed over texts (Guo et al. 2017)."""
    filled = [(point.texts, point.predicted, point.observed) for point in curve if point.texts]
    distances = sum(texts * abs((predicted or 0) - (observed or 0)) for texts, predicted, observed in filled)
    return distances / sum(texts for texts, _, _ in filled)


def _sigmoid(log_odds: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """(slope, shift) of P(positive) = 1 / (1 + exp(−slope · log_odds − shift)), by maximum likelihood."""
    from sklearn.linear_model import LogisticRegression  # half a second that only training needs

    yes, no = int(positive.sum()), int((1 - positive).sum())
    target = np.where(positive == 1, (yes + 1) / (yes + 2), 1 / (no + 2))  # Platt's, so that no slope is infinite
    given, answer = np.concatenate([log_odds, log_odds])[:, None], np.repeat([1, 0], len(log_odds))
    fitted = LogisticRegression(C=np.inf, max_iter=1_000).fit(
        given, answer, sample_weight=np.concatenate([target, 1 - target])
    )
    return round(float(fitted.coef_[0, 0]), DIGITS), round(float(fitted.intercept_[0]), DIGITS)


def _temperature(logs: np.ndarray, wanted: np.ndarray) -> float:
    """The scale that makes the wanted labels (n,) most likely, given log probabilities (n, n_labels)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    def loss(log_scale: float) -> float:
        return -float(log_softmax(np.exp(log_scale) * logs, axis=1)[np.arange(len(wanted)), wanted].mean())

    log_temperature = minimize_scalar(loss, bounds=(-np.log(LARGEST), np.log(LARGEST)), method="bounded").x
    return round(float(np.exp(log_temperature)), DIGITS)
