"""Out-of-fold base forecasts: what a method said at each origin knowing only what came before its fold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.forecast._methods.windows import Base
from pmlcli.encoding.series.encoding import Series

FOLDS = 4
FIRST_SHARE = 0.3
"""The first fold's method learns from this share of the series."""


def out_of_fold(
    series: Series,
    origins: NDArray[np.int64],
    learn: Callable[[Series], Base],
    horizon: int,
) -> tuple[NDArray[np.int64], Base]:
    """The origins that some fold serves, and their base; `learn` gives the base of a method that learned.

    The last 70 % of the series are cut into four runs; origins in a run are served by the method that
    learned from what came before the run.
    """
    edges = np.linspace(FIRST_SHARE * len(series), len(series) + 1, FOLDS + 1).astype(np.int64)
    served = origins[origins >= edges[0]]
    found = np.empty((len(served), horizon))
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        inside = (served >= begin) & (served < end)
        if inside.any():
            found[inside] = learn(series.head(int(begin)))(series, served[inside])
    return served, lambda _series, _origins: found
