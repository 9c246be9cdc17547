"""Quantiles of a time: made to hold as often as they say, and read as a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from pmlcli.arrays import Floats

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
MIDDLE = LEVELS.index(0.5)
OUTER = (LEVELS[0], LEVELS[MIDDLE], LEVELS[-1])
GRAIN = 60.0
"""Seconds that are added before times are divided by each other: a minute more or less matters little."""
FEWEST = 40
"""So many prefixes held out, or the calibration says nothing and quantiles stay as they are."""


def filled(outer: Floats) -> Floats:
    """Values at the levels `OUTER`, (rows, 3), to those at `LEVELS`, (rows, levels).

    On either side of the median they lie as those of a normal distribution do.
    """
    low, middle, high = np.sort(outer, axis=1).T[:, :, None]
    share = ndtri(np.array(LEVELS)) / ndtri(LEVELS[-1])
    return np.asarray(middle + np.maximum(share, 0) * (high - middle) + np.minimum(share, 0) * (middle - low))


def ascending(quantiles: Floats) -> Floats:
    """Not below 0 and in order (Chernozhukov, Fernandez-Val and Galichon, 2010), (rows, levels)."""
    return np.sort(np.maximum(quantiles, 0.0), axis=1)


def learn_factors(quantiles: Floats, came: Floats) -> Floats:
    """By how much to stretch the quantiles of each level, (levels,), so that they hold on these examples.

    Split conformal: of n ratios of what came to the quantile, the one of rank level * (n + 1), rounded
    outwards. Ratios, as long times err by more. The median stays, because it is measured unstretched.
    Romano, Patterson and Candes (2019), Conformalized quantile regression.
    """
    factors, n = np.ones(len(LEVELS)), len(came)
    if n < FEWEST:
        return factors
    ratios = np.sort((came[:, None] + GRAIN) / (quantiles + GRAIN), axis=0)
    for place, level in enumerate(LEVELS):
        rank = np.ceil(level * (n + 1)) if level > LEVELS[MIDDLE] else np.floor(level * (n + 1))
        if place != MIDDLE:
            factors[place] = ratios[int(np.clip(rank, 1, n)) - 1, place]
    return factors


def calibrated(quantiles: Floats, factors: Sequence[float] | None) -> Floats:
    """The quantiles (rows, levels) stretched, not below 0, ascending, on either side of the median."""
    if factors is None:
        return quantiles
    found = np.maximum((quantiles + GRAIN) * np.asarray(factors) - GRAIN, 0.0)
    middle = quantiles[:, [MIDDLE]]
    low = np.minimum(np.sort(found[:, :MIDDLE], axis=1), middle)
    return np.hstack([low, middle, np.maximum(np.sort(found[:, MIDDLE + 1 :], axis=1), middle)])


def coverage(quantiles: Floats, came: Floats, is_early: NDArray[np.bool_]) -> dict[str, Any]:
    """`coverage_90` and `median_width_seconds` of intervals set on the early examples, over the others.

    None when either are few.
    """
    late = ~is_early
    if min(is_early.sum(), late.sum()) < FEWEST:
        return {"coverage_90": None, "median_width_seconds": None}
    found = calibrated(quantiles[late], learn_factors(quantiles[is_early], came[is_early]).tolist())
    holds = (found[:, 0] <= came[late]) & (came[late] <= found[:, -1])
    return {
        "coverage_90": float(holds.mean()),
        "median_width_seconds": float(np.median(found[:, -1] - found[:, 0])),
    }


def _curve(quantiles: Floats) -> tuple[Floats, Floats]:
    """The points that straight lines join, (rows, levels + 2), and the share below each, (levels + 2,)."""
    least = np.zeros((len(quantiles), 1))
    largest = 2 * quantiles[:, [-1]] - quantiles[:, [MIDDLE]]
    return np.hstack([least, quantiles, largest]), np.array([0.0, *LEVELS, 1.0])


def share_below(quantiles: Floats, times: Floats) -> Floats:
    """The share of what comes that comes within these times, (rows,); 0 for a time of 0 or less.

    Straight lines between the quantiles and from 0 to the first; beyond the last, up to a time as far from
    it as it is from the median.
    """
    points, shares = _curve(quantiles)
    right = np.clip((points <= times[:, None]).sum(axis=1), 1, len(shares) - 1)
    before = np.take_along_axis(points, right[:, None] - 1, axis=1)[:, 0]
    width = np.take_along_axis(points, right[:, None], axis=1)[:, 0] - before
    part = np.clip((times - before) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    part = np.where(width > 0, part, times >= before)
    found = shares[right - 1] + part * (shares[right] - shares[right - 1])
    return np.asarray(np.where(times <= 0, 0.0, found))


def given_silence(quantiles: Floats, silent: Floats) -> Floats:
    """The quantiles (rows, levels) of what comes, once it is known that it has not come for so long, (rows,).

    The same straight lines as in `share_below`, cut off at that time; beyond the last quantile it takes as
    long again as at it.
    """
    within = np.minimum(silent, quantiles[:, -1])
    gone = share_below(quantiles, within)[:, None]
    shares = gone + np.array(LEVELS) * (1 - gone)
    points, known = _curve(quantiles)
    right = np.searchsorted(known, shares)
    before = np.take_along_axis(points, right - 1, axis=1)
    after = np.take_along_axis(points, right, axis=1)
    part = (shares - known[right - 1]) / (known[right] - known[right - 1])
    found = np.maximum(before + part * (after - before), within[:, None])
    return np.asarray(found + (silent - within)[:, None])


def of_spans(ends: Floats, shares: Floats) -> Floats:
    """The times (rows, levels) at which the share that has ended reaches each level, evenly within a span.

    `ends`, (spans + 1,), from 0; `shares`, (rows, spans + 1): of what ended by then, from 0 to 1.
    """
    quantiles = np.zeros((len(shares), len(LEVELS)))
    for column, level in enumerate(LEVELS):
        right = np.maximum((shares < level).sum(axis=1), 1)
        before = np.take_along_axis(shares, right[:, None] - 1, axis=1)[:, 0]
        width = np.take_along_axis(shares, right[:, None], axis=1)[:, 0] - before
        part = np.clip((level - before) / np.where(width > 0, width, 1.0), 0.0, 1.0)
        quantiles[:, column] = ends[right - 1] + part * (ends[right] - ends[right - 1])
    return quantiles


def pinball(quantiles: Floats, came: Floats) -> float:
    """Mean quantile loss over all levels, in the unit of the times."""
    error, levels = came[:, None] - quantiles, np.array(LEVELS)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def empirical(values: Floats, groups: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64], Floats]:
    """The groups, the size of each, and the quantiles `LEVELS` of its values, (groups, levels)."""
    order = np.lexsort((values, groups))
    ordered = values[order]
    names, first, counts = np.unique(groups[order], return_index=True, return_counts=True)
    place = np.array(LEVELS) * (counts[:, None] - 1)
    below = first[:, None] + np.floor(place).astype(np.int64)
    above = first[:, None] + np.ceil(place).astype(np.int64)
    part = place - np.floor(place)
    return names, counts, ordered[below] * (1 - part) + ordered[above] * part
