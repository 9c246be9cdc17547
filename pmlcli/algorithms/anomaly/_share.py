"""Which share of a log stands out: from its scores, and from those of its cases with a deviation put in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pmlcli.arrays import Codes, Floats
from pmlcli.evaluation.metrics import auc

HIGHEST_SHARE = 0.5
"""More than half of a log cannot be odd: the rest would be."""
EQUAL = 0.02
"""Of first thresholds that tell copies from originals about equally well the lowest is taken."""
CAUTION = 0.3
LOWEST_WEIGHT = 0.6
"""What a flag of the log's own costs against a copy that is found: `CAUTION` over the share that stands out
at first sight, at least `LOWEST_WEIGHT`. All were chosen on simulated logs (benchmarks/anomaly_share.py)."""
FEWEST_RAISED = 5
"""With fewer deviations that raise the score nothing can be said."""
GRID = 1000
"""So many of the highest scores are tried as thresholds, and as many of the others, evenly spaced."""
ROUNDING = 1e-9
"""By a smaller part of itself no score is raised."""
RESAMPLES = 200
INTERVAL = (0.025, 0.975)


class StandingOut(NamedTuple):
    """The score above which cases stand out, the share of the log's that do, and its 95 % interval."""

    threshold: float
    share: float
    low: float
    high: float


def clearest(scores: Floats, copies: Sequence[Floats]) -> Floats:
    """Of several ways to put a deviation into these cases, (cases,) each, the one that is told best from the
    cases as they are; of it the copies that score higher than their originals.
    """
    is_copy = np.repeat([False, True], len(scores))
    best = max(copies, key=lambda found: auc(is_copy, np.concatenate([scores, found])))
    return best[best > scores + ROUNDING * np.abs(scores)]


def standing_out(scores: Floats, deviant: Floats, seed: int) -> StandingOut:
    """Where the oddest cases part from the others; none where they do not.

    `scores`, (cases,), are the log's; `deviant`, (any,), those of copies of its cases with a deviation each
    that raised their score. What is odd in a log scores about as the copies do, what is usual below. The
    first threshold tried is the one that tells copies from originals best (Youden). The fewer cases lie above
    it, the more of them are the usual cases' own rare ones, so the more a flag must be worth at the second.
    The interval is that of a bootstrap over cases and copies.
    """
    grid = _grid(scores)
    if len(deviant) < FEWEST_RAISED:
        return StandingOut(float(grid[-1]), 0.0, 0.0, 0.0)
    own, theirs = _counts(grid, scores), _counts(grid, deviant)
    rng = np.random.Generator(np.random.PCG64(seed))
    resampled = (rng.poisson(one, (RESAMPLES, len(one))).astype(np.float64) for one in (own, theirs))
    _places, shares = _parted(*resampled)
    place, share = _parted(own[None], theirs[None])
    low, high = np.quantile(shares, INTERVAL)
    found = float(share[0])
    return StandingOut(float(grid[place[0]]), found, min(float(low), found), max(float(high), found))


def _grid(scores: Floats) -> Floats:
    """The thresholds that are tried, ascending; above the last lies nothing."""
    known = np.unique(scores)
    if len(known) <= 2 * GRID:
        return known
    body = np.linspace(0, len(known) - GRID, GRID, endpoint=False).astype(np.int64)
    return known[np.append(body, np.arange(len(known) - GRID, len(known)))]


def _counts(grid: Floats, scores: Floats) -> Floats:
    """Scores up to the first threshold, between each two, and above the last, (thresholds + 1,)."""
    places = np.searchsorted(grid, scores, side="left")
    return np.bincount(places, minlength=len(grid) + 1).astype(np.float64)


def _parted(own: Floats, theirs: Floats) -> tuple[Codes, Floats]:
    """The threshold's position and the share above it, (rows,), of counts (rows, thresholds + 1)."""
    rows = np.arange(len(own))
    flagged, found = _above(own), _above(theirs)
    told = found - flagged
    first = np.argmax(told >= told.max(axis=1, keepdims=True) - EQUAL, axis=1)
    ratio = flagged[rows, first] / np.maximum(found[rows, first], 1e-12)
    share = np.clip(ratio, 1e-12, HIGHEST_SHARE)
    weight = np.maximum(CAUTION / share, LOWEST_WEIGHT)
    second = np.argmax(found - weight[:, None] * flagged, axis=1)
    return second, flagged[rows, second]


def _above(counts: Floats) -> Floats:
    """The share of each row's units above each threshold, (rows, thresholds)."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.asarray(counts[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:] / total)
