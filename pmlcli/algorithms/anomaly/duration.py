"""Durations: flags cases and activities that took unusually long or short."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from pmlcli.algorithms.anomaly._timing import Measured, Usual, Words, explained
from pmlcli.algorithms.anomaly._values import EventDetector, Values
from pmlcli.arrays import Floats
from pmlcli.encoding.events.resources import Work, WorkEncoding

ACTIVITY = 0
COLUMNS = ("duration", "case duration")


@dataclass(kw_only=True)
class DurationDetector(EventDetector[Work]):
    """Learns how long each activity usually takes (from its start if the log has start times, else since the
    event before it), and how much time usually passes from the beginning of a case to each activity. The
    score of a case grows with how far one of these durations, or that of the whole case, is above or below
    the usual one, on a logarithmic scale and in units of the usual spread.
    """

    source: ClassVar[str] = "Rogge-Solti, Kasneci: Temporal anomaly detection in business processes. BPM 2014"

    usual: Usual = field(init=False, repr=False)

    def make_encoding(self) -> WorkEncoding:
        """Activities and times."""
        return WorkEncoding(resources="never", times="always")

    def fit(self, data: Work) -> None:
        """Learns what is usual for each activity, and until each since the case began."""
        self.usual = Usual.of(durations(data))

    def values(self, data: Work) -> Values:
        """Distance from what is usual, (events, columns); explained by how long is usual."""
        measured = _judged(data)

        def say(event: int, column: int) -> tuple[str, Words]:
            name = f"`{data.activity_of(event)}`"
            own, whole = Words(name, "took", ""), Words("the case", "took", f" until {name}")
            return COLUMNS[column], own if column == ACTIVITY else whole

        return Values(self.usual.oddness(measured), explained(self.usual, measured, say))

    def training_values(self, data: Work) -> Floats:
        """Distance from what is usual, each duration taken out of the counts, (events, columns)."""
        return self.usual.oddness(_judged(data), own=1)

    def state(self) -> dict[str, Any]:
        """What is usual, by name."""
        return self.usual._asdict()

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.usual = Usual(**state)


def durations(data: Work) -> tuple[Measured, Measured]:
    """The duration of each activity; the time until each event since the case began."""
    assert data.times is not None  # the encoding was asked for times
    position, so_far = data.position, data.times - data.case_began
    before = np.where(position > 0, data.times[np.arange(data.n_events) - 1], np.nan)
    own = data.times - np.where(np.isnan(data.begun), before, data.begun)
    is_until = (position > 0) | (so_far > 0)
    return (
        Measured(np.where(np.isnan(own), -1, data.activity), np.nan_to_num(own)),
        Measured(np.where(is_until, data.activities.size + data.activity, -1), so_far),
    )


def _judged(data: Work) -> tuple[Measured, Measured]:
    """The duration of each activity; at the last event of a case, that of the case."""
    own, until = durations(data)
    is_last = np.zeros(data.n_events, dtype=np.bool_)
    is_last[data.offsets[1:] - 1] = True
    return own, Measured(np.where(is_last, until.kinds, -1), until.seconds)
