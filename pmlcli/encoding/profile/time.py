"""How long a case took, how long it waited, and when it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from pmlcli.encoding.events.calendar import HOUR, WEEKDAY, covered
from pmlcli.encoding.profile.column import FeatureColumn
from pmlcli.encoding.profile.group import Block, Group
from pmlcli.eventlog.log import TIMESTAMP, EventLog

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class TimeGroup(Group):
    """Duration, mean and longest gap (log1p of seconds), hour and weekday of the start in the log's zone."""

    timezone: str
    calendar: tuple[str, ...] = ()
    """Which of hour and weekday the training log covers; the other one is always 0."""
    tag = "time"

    @classmethod
    def fit(cls, log: EventLog) -> Self:
        """Takes the training log's zone; every later log is read in it."""
        return cls(log.schema.timezone, covered(log, log.schema.timezone))

    @property
    def columns(self) -> list[FeatureColumn]:  # noqa: D102
        kinds = ("duration", "gap_mean", "gap_max", "start_hour", "start_weekday")
        return [FeatureColumn(kind) for kind in kinds]

    @property
    def required(self) -> tuple[str, ...]:  # noqa: D102
        return (TIMESTAMP,)

    def fill(self, log: EventLog, block: Block) -> None:  # noqa: D102
        assert log.times is not None  # the extractor has checked `required`
        firsts = log.offsets[:-1]
        spans = log.ends - np.minimum.reduceat(log.times, firsts)
        gaps = np.diff(log.times, prepend=log.times[:1])
        gaps[firsts] = 0
        longest = np.maximum.reduceat(gaps, firsts)
        means = spans / np.maximum(log.lengths - 1, 1)
        for column, value in enumerate((log.ends - log.starts, means, longest)):
            block.put(column, np.log1p(value / MICROSECONDS))
        starts = pd.DatetimeIndex(log.starts.astype("datetime64[us]"), tz="UTC").tz_convert(self.timezone)
        if HOUR in self.calendar:
            block.put(3, starts.hour.to_numpy())
        if WEEKDAY in self.calendar:
            block.put(4, starts.day_of_week.to_numpy())
