"""Held-out quality of a classifier, by scikit-learn."""

from collections.abc import Sequence

import numpy as np


def binary_scores(truth: Sequence[bool], probability: np.ndarray) -> dict[str, float]:
    """Average precision and ROC AUC of held-out probabilities (n,) for the positive class."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # half a second that only training needs

    return {
        "average_precision": float(average_precision_score(truth, probability)),
        "roc_auc": float(roc_auc_score(truth, probability)),
    }


def length_scores(truth: Sequence[bool], texts: Sequence[str]) -> dict[str, float]:
    """What the length of the scored texts alone would reach: the better of longer is good and shorter is good."""
    lengths = np.array([len(text) for text in texts])
    ways = [binary_scores(truth, lengths), binary_scores(truth, -lengths)]
    return {f"{measure}:length_only": max(way[measure] for way in ways) for measure in ways[0]}


def label_scores(truth: Sequence[str], labels: Sequence[str], probability: np.ndarray) -> dict[str, float]:
    """Accuracy, macro F1 and each label's F1 of held-out probabilities (n, n_labels)."""
    from sklearn.metrics import accuracy_score, f1_score

    guessed = [labels[column] for column in probability.argmax(axis=1)]
    by_label = f1_score(truth, guessed, labels=list(labels), average=None, zero_division=0)
    return {
        "accuracy": float(accuracy_score(truth, guessed)),
        "macro_f1": float(np.mean(by_label)),
        **{f"f1:{label}": float(value) for label, value in zip(labels, by_label, strict=True)},
    }


def rank_correlation(scores: np.ndarray, other_scores: np.ndarray) -> float:
    """Spearman's correlation of two versions' scores (n,) of the same texts; 0 where one of them says nothing."""
    from scipy.stats import spearmanr

    if len(scores) < 2 or np.ptp(scores) == 0 or np.ptp(other_scores) == 0:
        return 0.0
    return float(spearmanr(scores, other_scores).statistic)
