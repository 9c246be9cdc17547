"""Metrics as functions of arrays: what is true, and the scores it got."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def auc(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, ties counting half.

    NaN when there is no positive or no negative.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    _values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(counts) - (counts - 1) / 2
    wins = middle_rank[place][positive].sum() - n_positive * (n_positive + 1) / 2
    return float(wins / (n_positive * n_negative))


def average_precision(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Precision at each distinct score, highest first, weighted by the recall it adds (no interpolation).

    NaN when there is no positive.
    """
    n_positive = int(positive.sum())
    if n_positive == 0:
        return float("nan")
    _values, place, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    hits = np.bincount(place, weights=positive, minlength=len(counts))
    precision = np.cumsum(hits) / np.cumsum(counts)
    return float((precision * hits).sum() / n_positive)
