"""Classes too rare to be learned one by one share a group."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.events.sequences import Sequences, targets
from pmlcli.encoding.vocabulary import FIRST_CODE


def followed_rows(data: Sequences) -> NDArray[np.int64]:
    """The events of which it is known what follows."""
    return np.flatnonzero(targets(data) >= FIRST_CODE)


def pooled(counts: NDArray[np.int64], fewest: int) -> NDArray[np.float64]:
    """(groups, classes): a group for each class that came at least so often, and one for all rarer ones, each
    of which has its share of it by how often it came.
    """
    common, rare = np.flatnonzero(counts >= fewest), np.flatnonzero(counts < fewest)
    rare = rare[rare >= FIRST_CODE]
    shares = np.zeros((max(len(common) + 1, 2), len(counts)))
    shares[np.arange(len(common)), common] = 1.0
    shares[-1, rare] = (counts[rare] + 0.5) / max((counts[rare] + 0.5).sum(), 1.0)
    return shares


def unpooled(found: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(rows, groups) as (rows, classes), for the groups of `pooled`; rows sum to 1."""
    spread = found[:, shares.argmax(axis=0)] * shares.max(axis=0)
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
