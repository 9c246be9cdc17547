"""Conformal intervals of forecasts: errors from rolling origins, made comparable, then counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pmlcli.algorithms._series_tools import Backtest, Floats

LEVELS = (80, 95)
SHRINKAGE = 8.0
"""So many buckets of usual errors are added to those of each phase, so that a few say little."""
LEAST_FACTOR = 0.05

Phases = NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """How far what comes may lie from a forecast.

    Distances are between square roots, so that large values may err by more and no bound is negative.
    - `scales`: the usual distance at each step ahead, (horizon,)
    - `factors`: how many times as large it is in each phase of the season
    - `quantiles`: how many usual distances hold 80 and 95 of 100 of what comes, by level
    """

    scales: Floats
    factors: Floats
    quantiles: dict[str, float]

    def bounds(self, forecasts: Floats, phase: Phases, level: int) -> tuple[Floats, Floats]:
        """Lower and upper bound of forecasts (..., horizon) about buckets of these phases."""
        width = self.scales[: forecasts.shape[-1]] * self.factors[phase] * self.quantiles[str(level)]
        roots = np.sqrt(forecasts)
        lower = np.maximum(roots - width, 0.0) ** 2
        # Roots and squares may lose the last bit; the forecast lies within its bounds all the same.
        return np.minimum(lower, forecasts), np.maximum((roots + width) ** 2, forecasts)

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        return {
            "scales": self.scales.tolist(),
            "factors": self.factors.tolist(),
            "quantiles": dict(self.quantiles),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Intervals:
        """The inverse of `to_dict`."""
        return cls(np.asarray(data["scales"]), np.asarray(data["factors"]), dict(data["quantiles"]))


def fit_intervals(test: Backtest, phase: Phases, season: int) -> Intervals:
    """Split conformal intervals from rolling origins; `phase` is that of each bucket of the series, (n,).

    Each step's mean distance, smoothed over its neighbours and never falling, is its scale, and each
    phase of the season has a factor (weekends err less). One quantile of the scaled distances serves all
    steps and phases, so that a week of errors says something about a fortnight. Steps beyond the longest
    measured one grow like a random walk. Few origins widen it twice: the conformal rank (k + 1) / k, and
    Student's t with k - 1 degrees of freedom in place of the normal.
    """
    distances = np.abs(np.sqrt(test.came) - np.sqrt(test.forecasts))
    scales = _scales(distances)
    scaled = distances / np.where(scales > 0, scales, 1.0)
    is_known = np.isfinite(scaled)
    about = np.where(is_known, phase[np.minimum(test.targets, test.n - 1)], 0)
    overlap = is_known.sum() / len(np.unique(test.targets[is_known]))
    factors = _factors(scaled[is_known], about[is_known], season, overlap)
    even = np.sort((scaled / factors[about])[is_known])
    k = len(test.origins)
    quantiles = {str(level): _quantile(even, level, k) for level in LEVELS}
    return Intervals(scales, factors, quantiles)


def _quantile(distances: Floats, level: int, origins: int) -> float:
    rank = min(1.0, level / 100 * (origins + 1) / origins)
    tail = 0.5 + level / 200
    widening = stdtrit(max(origins - 1, 1), tail) / stdtrit(1e9, tail)
    return float(np.quantile(distances, rank) * widening)


def _factors(scaled: Floats, phase: Phases, season: int, overlap: float) -> Floats:
    """How much larger than usual the distances of each phase are, (season,).

    `overlap` is how many forecasts are about the same bucket: their errors are as good as one.
    """
    usual = scaled.mean()
    if usual == 0:
        return np.ones(season)
    sums = np.bincount(phase, weights=scaled / usual, minlength=season)
    counts = np.bincount(phase, minlength=season)
    more = SHRINKAGE * overlap
    return np.asarray(np.maximum((sums + more) / (counts + more), LEAST_FACTOR))


def _scales(distances: Floats) -> Floats:
    """The scale of each step, (horizon,); `distances` is (k, horizon) and NaN where unknown."""
    is_known = np.isfinite(distances)
    sums, counts = np.where(is_known, distances, 0.0).sum(axis=0), is_known.sum(axis=0)
    window = np.ones(min(7, len(sums)))
    measured = int(np.flatnonzero(counts)[-1]) + 1
    means = np.convolve(sums, window, "same") / np.maximum(np.convolve(counts, window, "same"), 1)
    scale = np.maximum.accumulate(means[:measured])
    beyond = np.sqrt(np.arange(measured + 1, len(sums) + 1) / measured) * scale[-1]
    return np.concatenate((scale, beyond))


def coverage(
    test: Backtest, phase: Phases, season: int, levels: Sequence[int] = LEVELS
) -> dict[str, float] | None:
    """Share of the later values that intervals made from the earlier errors hold, by level; None when few.

    Earlier are errors about buckets before the middle origin, later those of forecasts from it on.
    """
    middle = test.origins[len(test.origins) // 2]
    is_early, is_late = test.origins < middle, test.origins >= middle
    if min(is_early.sum(), is_late.sum()) < 5:
        return None
    came = np.where(test.targets < middle, test.came, np.nan)
    early = Backtest(test.origins[is_early], test.forecasts[is_early], came[is_early], test.n)
    intervals = fit_intervals(early, phase, season)
    late, known = test.came[is_late], np.isfinite(test.came[is_late])
    about = phase[np.minimum(test.targets[is_late], test.n - 1)]
    held = {}
    for level in levels:
        lower, upper = intervals.bounds(test.forecasts[is_late], about, level)
        held[str(level)] = float(((lower <= late) & (late <= upper))[known].mean())
    return held
