"""The latest training cases, and settings chosen on them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.sequences import Sequences

SHARE = 0.2
STEPS = 20
"""Weights are multiples of one part in so many."""

Floats = NDArray[np.float64]


def latest_rows(data: Sequences, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these events are of the latest fifth by start of the cases that they are of, (rows,)."""
    cases = np.searchsorted(data.offsets, rows, side="right") - 1
    own = np.unique(cases)
    by_start = own[np.argsort(data.starts[own], kind="stable")]
    return np.isin(cases, by_start[len(own) - round(len(own) * SHARE) :])


def best_weights(answers: Floats, came: Floats) -> NDArray[np.float64]:
    """Weights (members,), of sum 1, of the least absolute error of `answers` (rows, members) to what came.

    The member added in each step is the one that helps most: Caruana et al. (2004), Ensemble selection.
    """
    counts, total = np.zeros(answers.shape[1]), np.zeros(len(came))
    best_loss, best = np.inf, counts
    for step in range(1, STEPS + 1):
        losses = np.abs((total[:, None] + answers) / step - came[:, None]).mean(axis=0)
        chosen = int(losses.argmin())
        counts = counts + (np.arange(len(counts)) == chosen)
        total = total + answers[:, chosen]
        if losses[chosen] < best_loss:
            best_loss, best = float(losses[chosen]), counts / step
    return best
