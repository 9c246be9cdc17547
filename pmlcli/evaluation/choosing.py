"""How much of the best figure of several candidates is owed to choosing it, measured on the same units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pmlcli.arrays import Floats
from pmlcli.evaluation.bootstrap import MINIMUM_UNITS, RESAMPLES, ValueOf


class Draws(NamedTuple):
    """A metric over units drawn anew, and over those that were not drawn, (resamples,) each."""

    drawn: Floats
    left_out: Floats


def draws(metric: ValueOf, n_units: int, seed: int = 0) -> Draws:
    """The metric over the same draws for every candidate of so many units; empty for too few units."""
    if n_units < MINIMUM_UNITS:
        return Draws(np.empty(0), np.empty(0))
    rng = np.random.Generator(np.random.PCG64(seed))
    found = np.empty((RESAMPLES, 2))
    for row in found:
        drawn = rng.integers(0, n_units, size=n_units)
        left = np.flatnonzero(np.bincount(drawn, minlength=n_units) == 0)
        row[:] = metric(drawn), metric(left) if len(left) else np.nan
    return Draws(found[:, 0], found[:, 1])


def without_choosing(candidates: Sequence[Draws], *, higher_is_better: bool) -> float | None:
    """What the best of these candidates reaches on units that did not choose it; None for too few units.

    In each draw the candidate that is best on the units drawn is measured on those left out (Tsamardinos,
    Greasidou and Borboudakis (2018), Bootstrapping the out-of-sample predictions for efficient and accurate
    cross-validation, Machine Learning 107).
    """
    drawn, left_out = (np.array([getattr(one, side) for one in candidates]) for side in Draws._fields)
    if drawn.ndim < 2 or not drawn.shape[1]:
        return None
    known = np.flatnonzero(np.isfinite(drawn).all(axis=0) & np.isfinite(left_out).all(axis=0))
    if len(known) < drawn.shape[1] / 2:
        return None
    signed = drawn[:, known] if higher_is_better else -drawn[:, known]
    return float(left_out[signed.argmax(axis=0), known].mean())
