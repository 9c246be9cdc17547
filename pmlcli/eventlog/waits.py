"""Where time goes between events and within them: hand-overs by their wait, activities by their work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.arrays import Codes, Floats
from pmlcli.eventlog.log import START_TIMESTAMP, EventLog

MICROSECONDS = 1e6


@dataclass(frozen=True)
class HandOver:
    """One activity right after another. `median_seconds` and `p90_seconds` are from the end of the first to
    the start of the second, where the log has starts, else to its time; never below zero. None without times.
    """

    source: str
    target: str
    count: int
    median_seconds: float | None
    p90_seconds: float | None

    @property
    def total_seconds(self) -> float:
        """How often times how long: by what the hand-overs are ranked."""
        return self.count * (self.median_seconds or 0.0)


@dataclass(frozen=True)
class Work:
    """How long an activity takes from its start to its end, of the events that have both."""

    activity: str
    count: int
    median_seconds: float
    p90_seconds: float


class Pairs(NamedTuple):
    """Each event but the last of a case and the one after it: positions and seconds of wait, (pairs,) each.

    `waits` is None for a log without times.
    """

    first: Codes
    second: Codes
    waits: Floats | None


def pairs(log: EventLog) -> Pairs:
    """All pairs of events that follow each other in a case."""
    is_last = np.zeros(log.n_events, dtype=np.bool_)
    is_last[log.offsets[1:] - 1] = True
    first = np.flatnonzero(~is_last)
    if log.times is None:
        return Pairs(first, first + 1, None)
    waits = np.maximum(log.begins[first + 1] - log.times[first], 0) / MICROSECONDS
    return Pairs(first, first + 1, waits)


def medians(keys: NDArray[np.int64], values: Floats, quantile: float = 0.5) -> pd.Series:
    """The quantile of the values of each key, by key."""
    return pd.Series(values).groupby(keys).quantile(quantile)


def hand_overs(log: EventLog) -> tuple[HandOver, ...]:
    """All pairs of activities that follow each other, those that cost most time first; without times the
    commonest first.
    """
    found = pairs(log)
    size = len(log.activities) + 1
    codes = log.activity_codes.astype(np.int64) + 1
    keys = codes[found.first] * size + codes[found.second]
    kinds, counts = np.unique(keys, return_counts=True)
    half = nine = [None] * len(kinds)
    if found.waits is not None:
        half, nine = (medians(keys, found.waits, q).tolist() for q in (0.5, 0.9))
    names = ("<missing>", *log.activities)
    rows = [
        HandOver(names[key // size], names[key % size], int(count), middle, late)
        for key, count, middle, late in zip(kinds.tolist(), counts.tolist(), half, nine, strict=True)
    ]
    return tuple(sorted(rows, key=lambda one: (-one.total_seconds, -one.count, one.source, one.target)))


def work(log: EventLog) -> tuple[Work, ...]:
    """How long each activity takes, the longest in all first; empty where the log has no starts."""
    if log.times is None or START_TIMESTAMP not in log.frame.columns:
        return ()
    has_start = log.frame[START_TIMESTAMP].notna().to_numpy(dtype=bool) & (log.activity_codes >= 0)
    codes = log.activity_codes[has_start].astype(np.int64)
    seconds = (log.times - log.begins)[has_start] / MICROSECONDS
    kinds, counts = np.unique(codes, return_counts=True)
    half, nine = (medians(codes, seconds, q).tolist() for q in (0.5, 0.9))
    rows = [
        Work(log.activities[kind], int(count), middle, late)
        for kind, count, middle, late in zip(kinds.tolist(), counts.tolist(), half, nine, strict=True)
    ]
    return tuple(sorted(rows, key=lambda one: (-one.count * one.median_seconds, one.activity)))
