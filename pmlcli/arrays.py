"""Names of the arrays that everything is made of; their shapes stand in the docstrings."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""Integer codes of values, see `encoding/vocabulary.py`."""
Floats = NDArray[np.float64]

LARGEST_KEY = 2**62
"""A number that stands for several codes stays below this."""


def as_one(columns: Iterable[Codes], sizes: Iterable[int]) -> Codes:
    """One number for each row of columns of codes, equal where all of them are, (rows,). `sizes` are how many
    codes each column may hold, from 0.
    """
    pairs = zip(columns, sizes, strict=True)
    key, room = next(pairs)
    for column, size in pairs:
        if room > LARGEST_KEY // size:
            key, room = np.unique(key, return_inverse=True)[1], len(key)
        key, room = key * size + column, room * size
    return key
