"""Which attributes tell the outcome of a case rather than foretell it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CHANCE = 1e-6
"""An attribute that goes with the outcome one to one is left out unless that happens by chance so rarely."""


def tells_outcome(values: NDArray[np.float64], target: NDArray[np.int64], *, is_number: bool) -> bool:
    """Whether the values of an attribute, (cases,), go with one class each, or its numbers split at one
    limit, and chance alone would hardly ever do so. NaN stands for no value.
    """
    shares = np.bincount(target) / max(len(target), 1)
    codes = pd.factorize(np.nan_to_num(values, nan=-np.inf))[0]
    table = np.zeros((int(codes.max(initial=-1)) + 1, len(shares)), dtype=np.int64)
    np.add.at(table, (codes, target), 1)
    shared = table[table.sum(axis=1) > 1]
    classes = np.unique(shared.argmax(axis=1))
    if len(classes) > 1 and (shared.max(axis=1) == shared.sum(axis=1)).all():
        # A value with n cases is all of one class by chance with the sum of the classes' shares to the n.
        chance = np.log((shares ** shared.sum(axis=1)[:, None]).sum(axis=1)).sum()
        if chance < np.log(CHANCE):
            return True
    return is_number and _splits(values, target)


def _splits(values: NDArray[np.float64], target: NDArray[np.int64]) -> bool:
    """Whether all numbers of one class lie below all those of the other."""
    given = ~np.isnan(values)
    first, second = values[given & (target == 0)], values[given & (target == 1)]
    if target.max(initial=0) > 1 or min(len(first), len(second)) == 0:
        return False
    is_split = first.max() < second.min() or second.max() < first.min()
    cases = np.arange(1, min(len(first), len(second)) + 1)
    ways = np.log(cases / (len(first) + len(second) - len(cases) + cases)).sum()
    return bool(is_split and ways + np.log(2) < np.log(CHANCE))
