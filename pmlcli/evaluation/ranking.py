"""How well probabilities rank and how honest they are, over units (cases) that can be resampled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats
from pmlcli.evaluation.bootstrap import Units, ValueOf
from pmlcli.evaluation.measurement import mean_over

BINS = 10


def auc_over(positive: NDArray[np.bool_], scores: Floats, units: Units, n_units: int) -> ValueOf:
    """The area under the ROC curve of rows that come in units, (rows,) each: how often a positive scores
    above a negative, ties counting half; sorted once for all. NaN without a positive or a negative.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    is_positive, unit = positive[order], units[order]

    def value_of(drawn: Units) -> float:
        weights = np.bincount(drawn, minlength=n_units)[unit].astype(np.float64)
        ups = np.add.reduceat(weights * is_positive, starts) if len(starts) else np.zeros(0)
        downs = np.add.reduceat(weights * ~is_positive, starts) if len(starts) else np.zeros(0)
        wins = (ups * (np.cumsum(downs) - downs / 2)).sum()
        pairs = ups.sum() * downs.sum()
        return float(wins / pairs) if pairs else float("nan")

    return value_of


def macro_auc_over(target: Units, probabilities: Floats, units: Units, n_units: int) -> ValueOf:
    """The AUC of the second of two classes; of several, the mean of each class against the others.

    `target` (rows,), `probabilities` (rows, classes); classes without a positive or a negative do not count.
    """
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    each = [auc_over(target == c, probabilities[:, c], units, n_units) for c in classes]

    def value_of(drawn: Units) -> float:
        found = np.array([one(drawn) for one in each])
        known = found[np.isfinite(found)]
        return float(known.mean()) if len(known) else float("nan")

    return value_of


def squared_error_over(target: Units, probabilities: Floats, units: Units, n_units: int) -> ValueOf:
    """The mean over rows of the squared differences to the truth, summed over classes (Brier's score)."""
    errors = ((probabilities - np.eye(probabilities.shape[1])[target]) ** 2).sum(axis=1)
    sums = np.bincount(units, weights=errors, minlength=n_units).astype(np.float64)
    return mean_over(sums, np.bincount(units, minlength=n_units).astype(np.float64))


def bins_of(probability: Floats) -> NDArray[np.int64]:
    """Of each probability the bin of equal width, 0 to `BINS` - 1."""
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def calibration_error(is_right: NDArray[np.bool_], probability: Floats) -> float:
    """Expected calibration error, (rows,) each: how far probabilities lie from the share that came true, in
    ten bins of equal width, weighted by their rows. NaN without rows.

    Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning.
    """
    if len(probability) == 0:
        return float("nan")
    differences = np.bincount(bins_of(probability), weights=is_right - probability, minlength=BINS)
    return float(np.abs(differences).sum() / len(probability))
