"""Evidence of a broken habit: how much more often than seen something was expected, and how rare that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Codes, Floats
from pmlcli.evaluation.conformal import held_out, p_values

DOUBT = 0.5
"""Added to every count: what never happened is not impossible."""
LIKE_ALL = 5.0
"""Everybody's habits count as so many events in those of each."""
TIE = 1e-3
"""Weight of the evidence itself among values that are rarer than any in training, and so equally rare."""


def ranks_of(evidence: Floats) -> list[dict[str, Any]]:
    """How often evidence of each strength occurs in training, a calibration a column."""
    return [held_out(column) for column in evidence.T]


def ranked(evidence: Floats, ranks: Sequence[dict[str, Any]]) -> Floats:
    """How rare evidence as strong as each is in training, as logarithm; (events, columns) both."""
    pairs = zip(ranks, evidence.T, strict=True)
    return np.column_stack([-np.log(p_values(known, column)) + TIE * column for known, column in pairs])


def table(rows: Codes, columns: Codes, shape: tuple[int, int]) -> Codes:
    """How often each pair of codes occurs, (rows, columns)."""
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)


def lift(expected: Floats, seen: NDArray[Any]) -> Floats:
    """Logarithm of how many times more often than seen something was to be expected; 0 for less often."""
    ratio = (np.maximum(expected, 0) + DOUBT) / (np.maximum(seen, 0) + DOUBT)
    return np.asarray(np.log(np.maximum(ratio, 1.0)))


def unlike(counts: Codes, rows: Codes, columns: Codes, own: int) -> Floats:
    """How many times likelier than the column a row's likeliest one is, as logarithm.

    Rows of few counts are like all rows together.
    """
    shares = (counts.sum(axis=0) + DOUBT) / (counts.sum() + DOUBT * counts.shape[1])
    totals = counts.sum(axis=1)
    best = ((counts + LIKE_ALL * shares) / (totals + LIKE_ALL)[:, None]).max(axis=1)
    seen = np.maximum(counts[rows, columns] - own, 0) + LIKE_ALL * shares[columns]
    return np.asarray(np.log(best[rows] * (np.maximum(totals[rows] - own, 0) + LIKE_ALL) / seen))
