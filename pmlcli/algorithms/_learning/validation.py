"""The latest training cases, and settings chosen on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.events.sequences import Sequences

SHARE = 0.2
LOOKED_AT = 20_000
"""Candidates are compared on late cases of about so many events at most."""


def latest_rows(data: Sequences, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these events are of the latest fifth by start of the cases that they are of, (rows,)."""
    cases = np.searchsorted(data.offsets, rows, side="right") - 1
    own = np.unique(cases)
    by_start = own[np.argsort(data.starts[own], kind="stable")]
    return np.isin(cases, by_start[len(own) - round(len(own) * SHARE) :])


def early_and_late(
    data: Sequences, counted: NDArray[np.bool_], most: int = LOOKED_AT
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All but the latest fifth of the cases, and those of the others that are counted, (cases,), in order of
    start; evenly chosen where they have more events than `most`.
    """
    is_late = latest_rows(data, data.offsets[:-1])
    late = np.flatnonzero(is_late & counted)
    late = late[np.argsort(data.starts[late], kind="stable")]
    every = max(1.0, float(data.lengths[late].sum()) / most)
    kept = np.diff(np.floor(np.arange(len(late) + 1) / every)) > 0
    return np.flatnonzero(~is_late), late[kept]
