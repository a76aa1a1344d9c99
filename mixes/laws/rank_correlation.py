"""Spearman's rank correlation. scipy.stats has it too, and takes a second to import."""

import numpy as np


def rank_correlation(predicted: np.ndarray, scores: np.ndarray) -> float:
    """Of predictions (n,) and scores (n,); 0 where either does not vary.

    Source: Spearman 1904. Ties get the mean of their ranks, as in scipy.stats.spearmanr.
    """
    if not (np.ptp(predicted) and np.ptp(scores)):
        return 0.0
    return float(np.corrcoef(_ranks(predicted), _ranks(scores))[1, 0])


def _ranks(values: np.ndarray) -> np.ndarray:
    """(n,) from 1, equal values sharing the mean of their ranks."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]
