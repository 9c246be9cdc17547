"""Which attributes tell the outcome of a case rather than foretell it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

CHANCE = 1e-6
"""An attribute that goes with the outcome one to one is left out unless that happens by chance so rarely."""


def tells_outcome(values: NDArray[np.float64], target: NDArray[np.int64], *, is_number: bool) -> bool:
    """Whether the values of an attribute, (cases,), go with one class each, or its numbers split at one
    limit, and chance alone would hardly ever do so. NaN stands for no value.
    """
    codes = pd.factorize(np.nan_to_num(values, nan=-np.inf))[0]
    table = np.zeros((int(codes.max(initial=-1)) + 1, int(target.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(table, (codes, target), 1)
    shared = table[table.sum(axis=1) > 1]
    is_pure = bool((shared.max(axis=1) == shared.sum(axis=1)).all())
    if is_pure and _is_no_chance(len(shared) * np.log(table.shape[1]), shared.sum(axis=0)):
        return True
    return is_number and _splits(values, target)


def _is_no_chance(log_ways: float, counts: NDArray[np.int64]) -> bool:
    """Whether so few of all ways to give the cases their classes, (classes,), would look like this."""
    log_all = gammaln(counts.sum() + 1) - gammaln(counts + 1).sum()
    return bool(log_ways - log_all < np.log(CHANCE))


def _splits(values: NDArray[np.float64], target: NDArray[np.int64]) -> bool:
    """Whether all numbers of one of two classes lie below all those of the other."""
    given = ~np.isnan(values)
    first, second = values[given & (target == 0)], values[given & (target == 1)]
    if target.max(initial=0) > 1 or min(len(first), len(second)) == 0:
        return False
    is_split = first.max() < second.min() or second.max() < first.min()
    return bool(is_split and _is_no_chance(np.log(2), np.array([len(first), len(second)])))
