"""Conformal intervals of forecasts: errors from rolling origins, made comparable, then counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import stdtrit

from pmlcli.algorithms.forecast._series import HALF_LIFE, Backtest, weight_of_age
from pmlcli.arrays import Codes, Floats

LEVELS = (80, 95)
SHRINKAGE = 8.0
"""So many buckets of usual errors are added to those of each phase, so that a few say little."""
LEAST_FACTOR = 0.05
HALF_LIVES = 2
"""An error counts half after twice the time that it takes where methods are weighed (eight weeks of days)."""

DIGITS = 6


@dataclass(frozen=True)
class Intervals:
    """How far what comes may lie from a forecast.

    Distances are between square roots, so that large values may err by more and no bound is negative.
    - `scales`: the usual distance at each step ahead, (horizon,)
    - `factors`: how many times as large it is in each phase of the season
    - `scores`: known distances in usual ones, (m,); `ages`: how many buckets ago each was, (m,);
      `strides`: for how many origins each stands, (m,)
    - `quantiles`: how many usual distances hold 80 and 95 of 100 of what comes, by level
    """

    scales: Floats
    factors: Floats
    quantiles: dict[str, float]
    scores: Floats
    ages: Codes
    strides: Codes
    frequency: str

    def bounds(self, forecasts: Floats, phase: Codes, level: int) -> tuple[Floats, Floats]:
        """Lower and upper bound of forecasts (..., horizon) about buckets of these phases."""
        width = self.scales[: forecasts.shape[-1]] * self.factors[phase] * self.quantiles[str(level)]
        roots = np.sqrt(forecasts)
        lower = np.maximum(roots - width, 0.0) ** 2
        # Roots and squares may lose the last bit; the forecast lies within its bounds all the same.
        return np.minimum(lower, forecasts), np.maximum((roots + width) ** 2, forecasts)

    def updated(self, newer: Backtest, phase: Codes, passed: int) -> Intervals:
        """With the errors of forecasts of `passed` newer buckets; `phase` is that of each bucket, (n,).

        Scales and factors stay; what the newer errors say is how many of them an interval must be wide.
        """
        if len(self.scores) == 0:
            return self
        distances = np.abs(np.sqrt(newer.came) - np.sqrt(newer.forecasts))
        # Where nothing was ever missed in training, the first errors say how large one is.
        scales = self.scales if self.scales.any() else _scales(distances)
        scores, about = _scores(distances, scales, self.factors, newer, phase)
        scores = np.concatenate((self.scores, scores))
        ages = np.concatenate((self.ages + passed, newer.n - about))
        strides = np.concatenate((self.strides, np.full(len(about), newer.stride)))
        quantiles = _quantiles(scores, ages, strides, self.frequency)
        return replace(self, scales=scales, quantiles=quantiles, scores=scores, ages=ages, strides=strides)

    def to_dict(self) -> dict[str, Any]:
        """JSON-plain form."""
        return {
            "scales": self.scales.tolist(),
            "factors": self.factors.tolist(),
            "quantiles": dict(self.quantiles),
            "scores": self.scores.tolist(),
            "ages": self.ages.tolist(),
            "stride": int(self.strides[0]) if len(self.strides) else 1,
            "frequency": self.frequency,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Intervals:
        """The inverse of `to_dict`; the first models kept no scores, and their intervals stay as they are."""
        scales, factors = np.asarray(data["scales"]), np.asarray(data["factors"])
        scores = np.asarray(data.get("scores", []), dtype=np.float64)
        ages = np.asarray(data.get("ages", []), dtype=np.int64)
        strides = np.full(len(scores), data.get("stride", 1), dtype=np.int64)
        frequency = data.get("frequency", "D")
        return cls(scales, factors, dict(data["quantiles"]), scores, ages, strides, frequency)


def fit_intervals(test: Backtest, phase: Codes, season: int, frequency: str = "D") -> Intervals:
    """Conformal intervals from rolling origins; `phase` is that of each bucket of the series, (n,).

    Each step's mean distance, smoothed over its neighbours and never falling, is its scale, and each
    phase of the season has a factor (weekends err less). One quantile of the scaled distances serves all
    steps and phases, so that a week of errors says something about a fortnight. Steps beyond the longest
    measured one grow like a random walk. An error counts half after a time (Barber et al. 2023, Conformal
    prediction beyond exchangeability). Few buckets widen the quantile twice: the conformal rank (k + 1) / k,
    and Student's t with k - 1 degrees of freedom in place of the normal.
    """
    distances = np.abs(np.sqrt(test.came) - np.sqrt(test.forecasts))
    scales = _scales(distances)
    evened, about = _scores(distances, scales, np.ones(season), test, phase)
    overlap = len(about) / len(np.unique(about))
    factors = _factors(evened, phase[about], season, overlap)
    scores = np.round(evened / factors[phase[about]], DIGITS)
    ages, strides = test.n - about, np.full(len(about), test.stride)
    quantiles = _quantiles(scores, ages, strides, frequency)
    return Intervals(scales, factors, quantiles, scores, ages, strides, frequency)


def _scores(
    distances: Floats, scales: Floats, factors: Floats, test: Backtest, phase: Codes
) -> tuple[Floats, Codes]:
    """The known distances in usual ones, (m,), and the bucket that each is about."""
    is_known = np.isfinite(distances)
    about = np.minimum(test.targets[is_known], test.n - 1)
    usual = np.broadcast_to(np.where(scales > 0, scales, 1.0), distances.shape)[is_known]
    return distances[is_known] / (usual * factors[phase[about]]), about


def _quantiles(scores: Floats, ages: Codes, strides: Codes, frequency: str) -> dict[str, float]:
    """How large a score may be, by level: the weighted quantile, widened where few buckets speak."""
    order, half_life = np.argsort(scores, kind="stable"), HALF_LIVES * HALF_LIFE[frequency]
    weights = np.cumsum((strides * weight_of_age(ages, half_life))[order])
    buckets = weight_of_age(np.unique(ages), half_life)
    count = buckets.sum() ** 2 / (buckets**2).sum()
    found = {}
    for level in LEVELS:
        rank = min(1.0, level / 100 * (count + 1) / count)
        place = min(int(np.searchsorted(weights, rank * weights[-1])), len(scores) - 1)
        tail = 0.5 + level / 200
        widening = stdtrit(max(count - 1, 1), tail) / stdtrit(1e9, tail)
        found[str(level)] = float(scores[order][place] * widening)
    return found


def _factors(scaled: Floats, phase: Codes, season: int, overlap: float) -> Floats:
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
    test: Backtest, phase: Codes, season: int, frequency: str = "D", levels: Sequence[int] = LEVELS
) -> dict[str, float] | None:
    """Share of the later values that intervals made from the earlier errors hold, by level; None when few.

    Earlier are errors about buckets before the middle origin, later those of forecasts from it on; each
    knows, as a prediction for a newer log does, the errors about all buckets before its own origin.
    """
    middle = int(test.origins[len(test.origins) // 2])
    is_late = test.origins >= middle
    if min((~is_late).sum(), is_late.sum()) < 5:
        return None
    intervals = fit_intervals(test.known_at(middle), phase, season, frequency)
    held: dict[str, list[Floats]] = {str(level): [] for level in levels}
    for row in np.flatnonzero(is_late):
        origin = int(test.origins[row])
        newer = test.known_at(origin, since=middle)
        now = intervals.updated(newer, phase, origin - middle) if len(newer.origins) else intervals
        came, about = test.came[row], phase[np.minimum(test.targets[row], test.n - 1)]
        for level in levels:
            lower, upper = now.bounds(test.forecasts[row], about, level)
            held[str(level)].append(((lower <= came) & (came <= upper))[np.isfinite(came)])
    return {level: float(np.concatenate(parts).mean()) for level, parts in held.items()}
