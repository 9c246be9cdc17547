"""The latest training cases, and settings chosen on them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.events.sequences import Sequences

SHARE = 0.2
SHARPNESS = 24
"""A member that errs by 3 % more than the best counts half as much."""
LEAST_PART = 0.05
"""Members of less than this, with 1 for the best, are left out."""
CLEARLY = 0.9
"""The baseline is clearly better where it errs by no more than this share of the best other error."""


def latest_rows(data: Sequences, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these events are of the latest fifth by start of the cases that they are of, (rows,)."""
    cases = np.searchsorted(data.offsets, rows, side="right") - 1
    own = np.unique(cases)
    by_start = own[np.argsort(data.starts[own], kind="stable")]
    return np.isin(cases, by_start[len(own) - round(len(own) * SHARE) :])


def weights_by_error(errors: Mapping[str, float], baseline: str) -> dict[str, float]:
    """Weights, of sum 1, of members by their errors: the smaller to the power of `SHARPNESS`, the more.

    So members that err alike count alike, however the errors fell this time (Bates and Granger 1969 take
    the second power of the root). The baseline counts alone where it is clearly better, else not at all.
    """
    others = {name: error for name, error in errors.items() if name != baseline}
    least = min(others.values(), default=np.inf)
    if baseline in errors and errors[baseline] <= CLEARLY * least:
        return {baseline: 1.0}
    parts = {name: 1.0 if error == least else (least / error) ** SHARPNESS for name, error in others.items()}
    parts = {name: part for name, part in parts.items() if part >= LEAST_PART}
    return {name: part / sum(parts.values()) for name, part in parts.items()}
