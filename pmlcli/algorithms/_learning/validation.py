"""The latest training cases, and settings chosen on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.encoding.events.sequences import Sequences

SHARE = 0.2
MANY, MOST_CUTS = 500, 3
"""A log of fewer cases is cut so often: its latest fifth alone is too few cases to compare on."""
CHOOSING_TIME = 0.5
"""Of the time that there is, settings may be chosen for so much; then the algorithm learns from all."""
LOOKED_AT = 20_000
"""Candidates are compared on late cases of about so many events at most."""

Data = TypeVar("Data", bound=Sequences)


class Cut(NamedTuple, Generic[Data]):
    """Cases known at a time, of which some, (cases,), teach and later ones, in order of start, judge."""

    data: Data
    early: NDArray[np.int64]
    late: NDArray[np.int64]


def rolling_cuts(
    data: Data, n_cases: int, split: Callable[[Data], tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> list[Cut[Data]]:
    """The cut of all cases, and where there are few that of its early ones, and so on; oldest first.

    So two fifths to a half of the cases of a small log judge, each by what came before it. Empty where the
    first cut leaves no case on a side.
    """
    found: list[Cut[Data]] = []
    for _ in range(MOST_CUTS if n_cases < MANY else 1):
        early, late = split(data)
        if len(early) == 0 or len(late) == 0:
            break
        found.append(Cut(data, early, late))
        data = data.take(early)
    return found[::-1]


def latest_rows(data: Sequences, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of these events are of the latest fifth by start of the cases that they are of, (rows,)."""
    cases = np.searchsorted(data.offsets, rows, side="right") - 1
    own = np.unique(cases)
    by_start = own[np.argsort(data.starts[own], kind="stable")]
    return np.isin(cases, by_start[len(own) - round(len(own) * SHARE) :])


def early_and_late(
    data: Sequences, counted: NDArray[np.bool_], most: int = LOOKED_AT
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All but the latest fifth of the cases, and those of the others that are counted, (cases,), in order of
    start; evenly chosen where they have more events than `most`.
    """
    is_late = latest_rows(data, data.offsets[:-1])
    late = np.flatnonzero(is_late & counted)
    late = late[np.argsort(data.starts[late], kind="stable")]
    every = max(1.0, float(data.lengths[late].sum()) / most)
    kept = np.diff(np.floor(np.arange(len(late) + 1) / every)) > 0
    return np.flatnonzero(~is_late), late[kept]
