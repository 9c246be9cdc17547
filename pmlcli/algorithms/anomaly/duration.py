"""Duration: cases and activities that took unusually long, or were done unusually fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pmlcli.algorithms.anomaly._timing import Measured, TimingDetector
from pmlcli.encoding.events.resources import Work

ACTIVITY = 0


@dataclass(kw_only=True)
class DurationDetector(TimingDetector):
    """Learns how long each activity usually takes (from its start where the log has start times, else since
    the event before it), and how long it usually is from a case's beginning until each activity. A case is
    the odder the further one of its activities, or the whole of it until its last event, lies above or
    below, on a logarithmic scale and in usual spreads.
    """

    source: ClassVar[str] = "Rogge-Solti, Kasneci: Temporal anomaly detection in business processes. BPM 2014"

    def learned_from(self, data: Work) -> Sequence[Measured]:
        """The duration of each activity; the time until each event since the case began."""
        assert data.times is not None  # the encoding was asked for times
        position, so_far = data.position, data.times - data.case_began
        before = np.where(position > 0, data.times[np.arange(data.n_events) - 1], np.nan)
        own = data.times - np.where(np.isnan(data.begun), before, data.begun)
        return [
            Measured(np.where(np.isnan(own), -1, data.activity), np.nan_to_num(own)),
            Measured(
                np.where((position > 0) | (so_far > 0), data.activities.size + data.activity, -1), so_far
            ),
        ]

    def measured(self, data: Work) -> Sequence[Measured]:
        """The duration of each activity; at the last event of a case, that of the case."""
        own, until = self.learned_from(data)
        is_last = np.zeros(data.n_events, dtype=np.bool_)
        is_last[data.offsets[1:] - 1] = True
        return [own, Measured(np.where(is_last, until.kinds, -1), until.seconds)]

    def value_columns(self, data: Work) -> tuple[str, ...]:
        """Of the activity, and of the case."""
        return ("duration", "case duration")

    def words(self, data: Work, event: int, column: int) -> tuple[str, str, str]:
        """What took so long."""
        name = f"`{data.activity_of(event)}`"
        return (name, "took", "") if column == ACTIVITY else ("the case", "took", f" until {name}")
