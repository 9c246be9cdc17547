"""What outcome predictors learn from: prefixes of cases whose outcome is known, and parts held out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._learning.validation import latest_rows
from pmlcli.algorithms._prefixes.rows import evenly
from pmlcli.arrays import Codes
from pmlcli.encoding.outcome.encoding import OutcomePrefixes
from pmlcli.errors import TrainingError

MOST_ROWS = 20_000
"""With more prefixes only so many are learned from, spread evenly over the cases."""
MANY_CASES = 2_000
"""With fewer cases settings are chosen by cross-validation, else on the latest fifth alone."""
FOLDS = 3
ASKED_ROWS = 20_000
"""Prefixes that are turned into rows of numbers together, to bound the memory."""

Flags = NDArray[np.bool_]


class Lessons(NamedTuple):
    """Events that end the prefixes to learn from, ascending, (rows,), their classes and their cases."""

    rows: Codes
    target: Codes
    cases: Codes

    @property
    def weights(self) -> NDArray[np.float64]:
        """How much each row counts, (rows,): those of a case as much as those of any other, 1 on average."""
        shares = 1.0 / np.bincount(self.cases)[self.cases]
        return np.asarray(shares / shares.mean())


def counted_rows(data: OutcomePrefixes) -> Codes:
    """The prefixes that count, by the event that ends them; TrainingError without two outcomes."""
    rows = np.flatnonzero(data.is_counted)
    present = np.unique(data.target[data.case_of_event[rows]])
    if len(present) < 2:
        which = f"have the same, '{data.class_names[present[0]]}'" if len(present) else "are none"
        raise TrainingError(
            f"the cases to learn from whose outcome is known and not settled at once {which}",
            code="training.outcome",
            hint="train on a longer log (its last fifth is kept to measure on), or name another outcome",
        )
    return rows


def lessons(data: OutcomePrefixes, most: int = MOST_ROWS) -> Lessons:
    """`counted_rows`, thinned evenly when there are more than `most`."""
    rows = evenly(counted_rows(data), most)
    cases = data.case_of_event[rows]
    return Lessons(rows, data.target[cases], cases)


def held_out_parts(data: OutcomePrefixes, taught: Lessons) -> Iterator[Flags]:
    """Which rows are held out, (rows,): folds of whole cases in turn, or the latest fifth of many cases.

    Parts that leave one class alone to learn from, or hold none out, do not come.
    """
    own, place = np.unique(taught.cases, return_inverse=True)
    if len(own) < MANY_CASES:
        parts = [is_in_fold[place] for is_in_fold in folds(rank_by_start(data, own))]
    else:
        parts = [latest_rows(data, taught.rows)]
    for is_held_out in parts:
        if is_held_out.any() and len(np.unique(taught.target[~is_held_out])) > 1:
            yield is_held_out


def rank_by_start(data: OutcomePrefixes, cases: Codes) -> Codes:
    """How many of these cases began before each, (cases,)."""
    return np.argsort(np.argsort(data.starts[cases], kind="stable"), kind="stable")


def folds(rank: Codes) -> list[Flags]:
    """Which cases are in each fold, (cases,): in turn by start, so that each holds cases of all times."""
    return [rank % FOLDS == fold for fold in range(FOLDS)]
