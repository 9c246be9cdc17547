"""Distances and projections of cases, the same to the bit whatever else is in the batch.

A matrix product rounds differently in different company (its shape picks the code that runs), so it may
choose candidates but never gives the answer.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from pmlcli.arrays import Floats

CELLS = 4_000_000
"""Distances held in memory at a time."""
PRODUCT_ERROR = 1e-10
"""More than a matrix product's relative rounding error at any width that a profile has."""


def _blocks(rows: Floats, width: int) -> Iterator[slice]:
    step = max(CELLS // max(width, 1), 1)
    return (slice(first, first + step) for first in range(0, len(rows), step))


def _squares(rows: Floats, points: Floats, point_norms: Floats) -> tuple[Floats, Floats]:
    """Squared distances by matrix product, (rows, points), and the error that each row may have."""
    norms = np.square(rows).sum(axis=1)
    squares = norms[:, None] + point_norms - 2 * (rows @ points.T)
    return squares, PRODUCT_ERROR * (norms + point_norms.max())


def nearest(rows: Floats, points: Floats) -> Floats:
    """Euclidean distance from each row to the nearest of the points, (rows,)."""
    point_norms = np.square(points).sum(axis=1)
    found = np.empty(len(rows))
    for block in _blocks(rows, len(points)):
        squares, error = _squares(rows[block], points, point_norms)
        row, point = np.nonzero(squares <= (squares.min(axis=1) + 2 * error)[:, None])
        exact = np.square(rows[block][row] - points[point]).sum(axis=1)
        found[block] = np.minimum.reduceat(exact, np.searchsorted(row, np.arange(len(squares))))
    return np.sqrt(found)


def nearest_few(rows: Floats, points: Floats, k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Distances from each row to its k nearest points and which those are, (rows, k) both, nearest first.

    Ties go to the earlier point.
    """
    point_norms = np.square(points).sum(axis=1)
    found, which = np.empty((len(rows), k)), np.empty((len(rows), k), dtype=np.int64)
    for block in _blocks(rows, len(points)):
        squares, error = _squares(rows[block], points, point_norms)
        border = np.partition(squares, k - 1, axis=1)[:, k - 1]
        row, point = np.nonzero(squares <= (border + 2 * error)[:, None])
        exact = np.square(rows[block][row] - points[point]).sum(axis=1)
        order = np.lexsort((point, exact, row))
        firsts = np.searchsorted(row, np.arange(len(squares)))
        kept = order[firsts[:, None] + np.arange(k)]
        found[block], which[block] = exact[kept], point[kept]
    return np.sqrt(found), which


def kth_distances(points: Floats, k: int) -> Floats:
    """Distance from each point to its k-th nearest, itself the first, (points,); accurate to about 1e-5."""
    point_norms = np.square(points).sum(axis=1)
    found = np.empty(len(points))
    for block in _blocks(points, len(points)):
        squares, _error = _squares(points[block], points, point_norms)
        found[block] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return np.sqrt(np.maximum(found, 0.0))


def kernel_sums(rows: Floats, points: Floats, weights: Floats, gamma: float) -> Floats:
    """Sum over the points of weight times exp(-gamma * squared distance), (rows,)."""
    found = np.empty(len(rows))
    for block in _blocks(rows, len(points)):
        kernel = np.exp(-gamma * cdist(rows[block], points, "sqeuclidean"))
        found[block] = (kernel * weights).sum(axis=1)
    return found


def projections(rows: Floats, directions: Floats) -> Floats:
    """Product of each row with each direction, (rows, directions)."""
    found = np.empty((len(rows), len(directions)))
    for i, direction in enumerate(directions):
        found[:, i] = (rows * direction).sum(axis=1)
    return found
