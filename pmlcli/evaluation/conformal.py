"""Conformal p-values from held-out scores, and the Benjamini-Hochberg rule over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT_TAIL = 1000
"""So many of the highest held-out scores are kept each; they decide the small p-values."""
KEPT_BODY = 1000
"""So many of the others are kept, evenly spaced."""

Scores = NDArray[np.float64]


def held_out(scores: Scores) -> dict[str, Any]:
    """Held-out scores, thinned below the highest: JSON-plain, what `p_values` takes.

    `scores` ascending; `above` and `at_least`: how many held-out scores are higher than each, or no lower;
    `count`: how many there are.
    """
    ascending = np.sort(scores)
    body = np.unique(np.linspace(0, max(len(ascending) - KEPT_TAIL, 0), KEPT_BODY).astype(np.int64))
    tail = np.arange(max(len(ascending) - KEPT_TAIL, 0), len(ascending))
    kept = np.unique(ascending[np.union1d(body[body < len(ascending)], tail)])
    above = len(ascending) - np.searchsorted(ascending, kept, side="right")
    at_least = len(ascending) - np.searchsorted(ascending, kept, side="left")
    return {
        "scores": kept.tolist(),
        "above": above.tolist(),
        "at_least": at_least.tolist(),
        "count": len(ascending),
    }


def p_values(calibration: dict[str, Any], scores: Scores) -> Scores:
    """(1 + held-out scores at least as high) / (1 + held-out scores), for each score; never zero.

    Where scores were thinned the count is that of the next lower one kept, so the p-value is never too small.
    """
    kept = np.asarray(calibration["scores"], dtype=np.float64)
    at_least = np.append(np.asarray(calibration["at_least"], dtype=np.int64), 0)
    above = np.append(calibration["count"], np.asarray(calibration["above"], dtype=np.int64))
    place = np.searchsorted(kept, scores, side="left")
    is_kept = np.append(kept, np.nan)[place] == scores
    counts = np.where(is_kept, at_least[place], above[place])
    return np.asarray((1 + counts) / (1 + calibration["count"]))


def benjamini_hochberg(p: Scores, rate: float) -> float:
    """The largest p-value to flag so that the expected share of false flags stays at or below `rate`.

    Zero when none may be flagged. Benjamini and Hochberg (1995); for conformal p-values: Bates et al. (2023).
    """
    ascending = np.sort(p)
    allowed = ascending <= rate * np.arange(1, len(p) + 1) / max(len(p), 1)
    return float(ascending[allowed].max()) if allowed.any() else 0.0


def score_limit(calibration: dict[str, Any], largest_p: float) -> float:
    """The score above which the p-value is at most `largest_p`; NaN when no score is enough."""
    kept = np.asarray(calibration["scores"], dtype=np.float64)
    if largest_p < 1 / (1 + calibration["count"]):
        return float("nan")
    too_common = np.flatnonzero(p_values(calibration, kept) > largest_p)
    return float(kept[too_common[-1]]) if len(too_common) else float("-inf")
