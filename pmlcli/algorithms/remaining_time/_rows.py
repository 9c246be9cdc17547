"""Which prefixes teach of remaining times, and on which cases choices are made and intervals checked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms._learning.recency import recencies
from pmlcli.algorithms._learning.validation import SHARE
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.sequences import Sequences
from pmlcli.errors import TrainingError

DAY = 86_400.0
HOUR = 3_600.0
MOST_END = 0.8
"""A case had time to end that began so long before the log's end as this share of the ended cases took."""
MOMENTS = 5_000
"""So many running cases, moment after moment, are looked at to calibrate what is said of running cases."""


def remaining_seconds(data: Sequences) -> Floats:
    """`seconds_left`; NaN in running cases, of which nobody knows."""
    return np.where(np.repeat(data.is_running, data.lengths), np.nan, data.seconds_left)


def known_rows(data: Sequences, counted: NDArray[np.bool_] | None = None) -> Codes:
    """The prefixes (of those counted) that something came after, in cases that have ended, ascending."""
    is_known = np.repeat(~data.is_running, data.lengths)
    is_known[data.offsets[1:] - 1] = False
    return np.flatnonzero(is_known if counted is None else is_known & counted)


def learned_rows(data: Sequences) -> Codes:
    """`known_rows`; TrainingError where there is none."""
    rows = known_rows(data)
    if len(rows) == 0:
        raise TrainingError(
            "no case of the training part has ended with two events or more: no remaining time to learn from",
            code="training.samples",
            hint="train on a longer log, and see whether the right column names the cases (--case-id COLUMN)",
        )
    return rows


def moments(begin: Codes, end: Codes) -> tuple[Codes, Floats]:
    """Ended cases as they stood at `MOMENTS` or so times: which of these prefixes, and how long silent.

    `begin` and `end`: when each prefix ended and when the next event came, (prefixes,), in microseconds. The
    moments are evenly spread, so a prefix is met the more often the longer nothing came after it, and a case
    the longer it took: as whoever asks about what is running meets them.
    """
    step = max(int((end - begin).sum()) // MOMENTS, 1)
    first, last = -(-begin // step), -(-end // step)
    times = np.maximum(last - first, 0)
    which = np.repeat(np.arange(len(begin)), times)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
    return which, ((first[which] + nth) * step - begin[which]) / 1e6


def log_days(data: Sequences, rows: Codes) -> Floats:
    """Logarithms of one more than the days that remain after these events, (rows,)."""
    return np.asarray(np.log1p(remaining_seconds(data)[rows] / DAY))


class EarlyAndLate(NamedTuple):
    """Cases to learn from, and ended ones to look at, where something is to be chosen; either may be empty.

    Late is the latest fifth by start of the ended cases that had time to end. Of those that began shortly
    before the log's end only the quick ones are known: they would have every algorithm look good that says
    little time. What began after the last early case is in neither. Where fewer than half of the cases had
    time to end (not `is_ripe`), late is the latest fifth of all, and how late cases differ cannot be told.
    """

    early: NDArray[np.int64]
    late: NDArray[np.int64]
    is_ripe: bool

    @classmethod
    def of(cls, data: Sequences) -> EarlyAndLate:
        """Cut out of these cases."""
        assert data.micros is not None
        own = np.unique(data.case_of_event[known_rows(data)])
        lasted = data.micros[data.offsets[1:] - 1] - data.starts
        by_start = own[np.argsort(data.starts[own], kind="stable")]
        time_to_end = np.quantile(lasted[own], MOST_END) if len(own) else 0.0
        ripe = int((data.starts[own] + time_to_end <= data.micros.max(initial=0)).sum())
        is_ripe = ripe >= len(own) / 2
        by_start = by_start[:ripe] if is_ripe else by_start
        known, late = np.split(by_start, [len(by_start) - round(len(by_start) * SHARE)])
        began = data.starts[known].max(initial=np.iinfo(np.int64).min)
        return cls(np.setdiff1d(np.flatnonzero(data.starts <= began), late), np.sort(late), is_ripe)

    def recencies(self, recency: str) -> tuple[str, ...]:
        """The values of `recency` to try; only the first where the late cases cannot judge the other."""
        return recencies(recency) if self.is_ripe else recencies(recency)[:1]
