"""Metrics over independent units drawn anew: how much a figure would vary with other cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pmlcli.arrays import Floats

RESAMPLES = 500
NOISE = 1e-9
"""A difference this small, in any unit, is rounding."""
MINIMUM_UNITS = 5
"""Below this many independent units an interval says nothing."""

Units = NDArray[np.int64]
ValueOf = Callable[[Units], float]
"""A metric over drawn units (positions, with repetition)."""


PARTS = 4
"""Weights are rounded to such parts of a unit."""


def weighed(metric: ValueOf, weights: Floats) -> ValueOf:
    """The metric where each unit counts as often as its weight says, (units,)."""
    counts = np.maximum(np.rint(PARTS * weights).astype(np.int64), 1)
    return lambda units: metric(np.repeat(units, counts[units]))


def resampled(metrics: Sequence[ValueOf], n_units: int, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Each metric over units drawn anew, (resamples, metrics), all of them on the same draws."""
    rng = np.random.Generator(np.random.PCG64(seed))
    found = np.empty((resamples, len(metrics)))
    for row in found:
        drawn = rng.integers(0, n_units, size=n_units)
        row[:] = [metric(drawn) for metric in metrics]
    return found


def bounds(values: Floats) -> tuple[float | None, float | None]:
    """The middle 95 % of resampled values; None where fewer than half of them are known."""
    known = values[np.isfinite(values)]
    if len(known) == 0 or len(known) < len(values) / 2:
        return None, None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)
