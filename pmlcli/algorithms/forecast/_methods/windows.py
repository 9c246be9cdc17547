"""Windows of a series for learners: what came last, a simple base forecast, and what it missed.

Everything is about square roots. A learner sees a window relative to its mean and spread, and learns how
far what came lay from the base, in the same spread; so one learner serves series of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms.forecast._series import SEASON, phases
from pmlcli.arrays import Floats
from pmlcli.encoding.series.encoding import Series

LENGTH = {"H": 72, "D": 28, "W": 26, "M": 12}
"""Buckets of a window."""
LEAST_SPREAD = 1e-3
"""Of the mean, so that a window in which nothing moves can be divided by its spread."""
N_CLOCK = 2

Base = Callable[[Series, NDArray[np.int64]], Floats]
"""Square roots of a base forecast made at each origin, (origins, horizon)."""


@dataclass(frozen=True)
class Windows:
    """What a learner sees at each origin, and what it is to find.

    - `inputs`: (origins, length), the window, relative
    - `clock`: (origins, length + horizon, 2), where in its season each bucket stands, on a circle
    - `exogenous`: (origins, length + horizon, columns), the exogenous columns of each bucket
    - `base`: (origins, horizon), the base forecast, relative; `targets`: what came minus it, NaN if unknown
    - `middle`, `spread`: (origins, 1), to turn relative values into square roots
    """

    inputs: Floats
    clock: Floats
    exogenous: Floats
    base: Floats
    targets: Floats
    middle: Floats
    spread: Floats

    def values(self, corrections: Floats) -> Floats:
        """The forecasts that these corrections of the base mean, (origins, horizon)."""
        roots = (self.base + corrections) * self.spread + self.middle
        return np.asarray(np.maximum(roots, 0.0) ** 2)


def make_windows(
    series: Series, origins: NDArray[np.int64], horizon: int, base: Base | None = None
) -> Windows:
    """Windows that end before each origin; where the series is too short its first value is repeated."""
    length, season = LENGTH[series.frequency], SEASON[series.frequency]
    roots = np.concatenate((np.full(length, np.sqrt(series.values[0])), np.sqrt(series.values)))
    past = roots[origins[:, None] + np.arange(length)]
    ahead = np.concatenate((roots[length:], np.full(horizon, np.nan)))[origins[:, None] + np.arange(horizon)]
    middle = past.mean(axis=1, keepdims=True)
    spread = np.maximum(past.std(axis=1, keepdims=True), LEAST_SPREAD * (middle + 1))
    found = _recent(past, season, horizon) if base is None else base(series, origins)
    relative = (found - middle) / spread
    targets = (ahead - middle) / spread - relative
    clock = _clock(series, season, horizon)[origins[:, None] + np.arange(length + horizon)]
    known = series.exogenous_values(horizon)
    exogenous = np.concatenate((np.repeat(known[:1], length, axis=0), known))
    exogenous = exogenous[origins[:, None] + np.arange(length + horizon)]
    return Windows((past - middle) / spread, clock, exogenous, relative, targets, middle, spread)


def origins_of(series: Series, most: int) -> NDArray[np.int64]:
    """At most so many origins with half a window before them, evenly over the series, the last included."""
    first = min(LENGTH[series.frequency] // 2, len(series) - 1)
    everything = np.arange(len(series) - 1, first - 1, -1)
    return np.sort(everything[:: max(1, -(-len(everything) // most))])


def _recent(past: Floats, season: int, horizon: int) -> Floats:
    """The mean of the same phase in the window, or of its last four values where no season fits twice."""
    seasons = past.shape[1] // season
    if seasons < 2:
        return np.repeat(past[:, -4:].mean(axis=1, keepdims=True), horizon, axis=1)
    by_phase = past[:, -seasons * season :].reshape(len(past), seasons, season).mean(axis=1)
    return np.asarray(by_phase[:, np.arange(horizon) % season])


def _clock(series: Series, season: int, horizon: int) -> Floats:
    """Sine and cosine of the phase of each bucket, from one window before the first to one horizon after."""
    length = LENGTH[series.frequency]
    known = phases(series, season, horizon)
    before = (known[0] - np.arange(length, 0, -1)) % season
    angle = 2 * np.pi * np.concatenate((before, known)) / season
    return np.stack((np.sin(angle), np.cos(angle)), axis=-1)
