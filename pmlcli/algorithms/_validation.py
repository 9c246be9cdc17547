"""The latest training cases, on which settings are chosen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.sequences import Sequences

SHARE = 0.2


def latest_rows(data: Sequences, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these events are of the latest fifth by start of the cases that they are of, (rows,)."""
    cases = np.searchsorted(data.offsets, rows, side="right") - 1
    own = np.unique(cases)
    by_start = own[np.argsort(data.starts[own], kind="stable")]
    return np.isin(cases, by_start[len(own) - round(len(own) * SHARE) :])
