"""Traces as numbers over offsets: what causal sequence models read, without padding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.encoding.base import Encoding
from pmlcli.encoding.events.calendar import HOUR, MONTH, WEEKDAY, covered
from pmlcli.encoding.vocabulary import FIRST_CODE, MISSING_CODE, Vocabulary
from pmlcli.errors import LogError
from pmlcli.eventlog.cases import CutIntoCases
from pmlcli.eventlog.log import ACTIVITY, RESOURCE, TIMESTAMP, EventLog, offsets_of
from pmlcli.eventlog.running import RunningRule, fit_running_rule, standing

END = "<end>"
"""How a predicted end of case is written."""
NO_TARGET = -1
"""The class of what follows an event where that is not known."""

TIME_FEATURES = ("since_previous", "since_start", "hour", "weekday")


@dataclass(frozen=True)
class Sequences(CutIntoCases):
    """The traces of a log as arrays; case i is rows `offsets[i]:offsets[i + 1]`.

    - `offsets`: int64 (cases + 1)
    - `activity`, `resource`: int64 (events,), codes of the training vocabularies
    - `times`: float32 (events, 4), each within 0..1 and within what training saw: logarithm of the time since
      the previous event and since the case's start, hour of the day, day of the week; zeros without times,
      and where training did not cover the calendar
    - `longest`: seconds, the longest that training saw of the same two times; None without times
    - `has_months`: whether training covered all months of a year
    - `micros`: int64 (events,), microseconds since 1970 UTC; None without times
    - `began`: int64 (events,), when the case began as far as the events up to each tell, in `micros`; the
      position of the case without times
    - `starts`: int64 (cases,), when each case began, for splits by time
    - `is_running`: bool (cases,), not ended at the log's end: what follows its last event is unknown
    - `is_stalled`: bool (cases,), running, and silent for longer than nearly all pauses last
    - `n_activities`, `n_resources`: sizes of the code ranges
    - `running_rule`: what tells which cases are running, as learned in training
    """

    OF_EVENTS: ClassVar[tuple[str, ...]] = ("activity", "resource", "times", "micros", "began")
    OF_CASES: ClassVar[tuple[str, ...]] = ("starts", "is_running", "is_stalled")

    offsets: NDArray[np.int64]
    activity: NDArray[np.int64]
    resource: NDArray[np.int64]
    times: NDArray[np.float32]
    starts: NDArray[np.int64]
    is_running: NDArray[np.bool_]
    is_stalled: NDArray[np.bool_]
    n_activities: int
    n_resources: int
    micros: NDArray[np.int64] | None
    began: NDArray[np.int64]
    longest: tuple[float, float] | None
    has_months: bool
    running_rule: RunningRule

    @property
    def end_class(self) -> int:
        """The class of a case's end, next to the codes of the activities."""
        return self.n_activities

    @property
    def seconds_left(self) -> NDArray[np.float64]:
        """Seconds from each event to the last one of its case, (events,); NaN without times."""
        if self.micros is None:
            return np.full(self.n_events, np.nan)
        ends = np.repeat(self.micros[self.offsets[1:] - 1], self.lengths)
        return np.asarray(np.maximum(ends - self.micros, 0) / 1e6)

    def amid(self, whole: Self, events: NDArray[np.int64]) -> Self:
        """The same cases among all that went on in `whole`, of which these are the events; only those that
        look at other cases differ by that.
        """
        return self

    def take(self, cases: NDArray[np.int64]) -> Self:
        """These cases, in this order."""
        rows, offsets = self.rows_of(cases)
        taken: dict[str, Any] = {name: _taken(getattr(self, name), rows) for name in self.OF_EVENTS}
        taken |= {name: getattr(self, name)[cases] for name in self.OF_CASES}
        return replace(self, offsets=offsets, **taken)

    def rows_of(self, cases: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The events of these cases, one case after the other, and the offsets that cut them."""
        lengths = self.lengths[cases]
        offsets = offsets_of(lengths)
        return np.arange(offsets[-1]) - np.repeat(offsets[:-1] - self.offsets[:-1][cases], lengths), offsets


class SequenceEncoding(Encoding[Sequences]):
    """Activity, resource and four time features of each event, case by case.

    No time feature leaves the range that training saw. Hour and weekday enter only where the training log
    covers them (`calendar.covered`). Vocabularies, time scales and ranges, the calendar's zone and the rule
    for running cases are learned in `fit` from the training log alone. Only `is_running` and `is_stalled`
    look beyond a case: they depend on the log's end.
    """

    name: ClassVar[str] = "sequences"

    def __init__(self) -> None:
        self.activities = Vocabulary(())
        self.resources: Vocabulary | None = None
        self.time_scale: tuple[float, float] | None = None
        self.timezone = "UTC"
        self.running_rule = RunningRule()
        self.calendar: tuple[str, ...] = ()
        self.time_limits: tuple[tuple[float, float], ...] = ()

    def fit(self, log: EventLog) -> Self:
        """Learns vocabularies, scales, zone and the rule for running cases.

        LogError for an activity of the name by which predictions tell the end of a case.
        """
        if END in log.activities:
            raise LogError(
                f"an activity is called '{END}', which means the end of a case in predictions",
                code="log.activity",
                hint="give the activity another name",
                context={"activity": END},
            )
        self.activities = Vocabulary.of(log.activities, log.activity_codes)
        self.resources = (
            None if log.resource_codes is None else Vocabulary.of(log.resources, log.resource_codes)
        )
        self.timezone = log.schema.timezone
        self.running_rule = fit_running_rule(log)
        self.time_scale = None
        if log.times is not None:
            largest = _elapsed(log, log.times).max(axis=0, initial=0.0)
            self.time_scale = (float(largest[0]) or 1.0, float(largest[1]) or 1.0)
        self.calendar = covered(log, self.timezone)
        self.time_limits = self._limits(log)
        return self

    def transform(self, log: EventLog) -> Sequences:
        """The log's traces in the codes and scales of training."""
        return Sequences(**self._parts(log))

    def _parts(self, log: EventLog) -> dict[str, Any]:
        stands = standing(log, self.running_rule)
        return {
            "offsets": log.offsets,
            "activity": self.activities.encode(log.activities, log.activity_codes),
            "resource": self._resource(log),
            "times": self._times(log),
            "micros": log.times,
            "began": log.began,
            "longest": self._longest(),
            "has_months": MONTH in self.calendar,
            "starts": log.starts,
            "running_rule": self.running_rule,
            "is_running": stands.is_running,
            "is_stalled": stands.is_stalled,
            "n_activities": self.activities.size,
            "n_resources": MISSING_CODE + 1 if self.resources is None else self.resources.size,
        }

    def state(self) -> dict[str, Any]:
        """Vocabularies, scales, zone and rule; `resources` and `time_scale` are None without the column."""
        return {
            "activities": list(self.activities.values),
            "resources": None if self.resources is None else list(self.resources.values),
            "time_scale": None if self.time_scale is None else list(self.time_scale),
            "timezone": self.timezone,
            "calendar": list(self.calendar),
            "time_limits": [list(pair) for pair in self.time_limits],
            "running_rule": self.running_rule.to_dict(),
        }

    @classmethod
    def unfitted(cls, state: dict[str, Any]) -> Self:
        """An encoding as it was configured, with nothing learned."""
        return cls()

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """The inverse of `state`."""
        encoding = cls.unfitted(state)
        encoding.activities = Vocabulary(tuple(state["activities"]))
        if state["resources"] is not None:
            encoding.resources = Vocabulary(tuple(state["resources"]))
        if state["time_scale"] is not None:
            encoding.time_scale = (float(state["time_scale"][0]), float(state["time_scale"][1]))
        encoding.timezone = str(state["timezone"])
        encoding.calendar = tuple(map(str, state["calendar"]))
        encoding.time_limits = tuple((float(low), float(high)) for low, high in state["time_limits"])
        encoding.running_rule = RunningRule.from_dict(state["running_rule"])
        return encoding

    def required_columns(self) -> tuple[str, ...]:
        """`resource` and `timestamp`, where the training log had them."""
        learned = {RESOURCE: self.resources, TIMESTAMP: self.time_scale}
        return tuple(column for column, what in learned.items() if what is not None)

    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Activities and resources seen in training."""
        found = {ACTIVITY: self.activities.values}
        return found if self.resources is None else found | {RESOURCE: self.resources.values}

    def times_beyond(self, log: EventLog) -> int:
        """How many events have a wait, or a time since their case began, longer than any in training."""
        if self.time_scale is None or log.times is None or not self.time_limits:
            return 0
        # In single precision, as the limits were taken.
        elapsed = (_elapsed(log, log.times) / self.time_scale).astype(np.float32)
        highest = np.array([high for _low, high in self.time_limits[:2]], dtype=np.float32)
        return int((elapsed > highest).any(axis=1).sum())

    def _resource(self, log: EventLog) -> NDArray[np.int64]:
        if self.resources is None or log.resource_codes is None:
            return np.full(log.n_events, MISSING_CODE, dtype=np.int64)
        return self.resources.encode(log.resources, log.resource_codes)

    def _limits(self, log: EventLog) -> tuple[tuple[float, float], ...]:
        """Least and largest of each time feature in the training log; 0 and 0 keeps one out."""
        features = self._raw_times(log)
        if not len(features):
            return ((0.0, 0.0),) * len(TIME_FEATURES)
        limits = np.column_stack([features.min(axis=0), features.max(axis=0)]).astype(np.float64)
        for place, name in enumerate(TIME_FEATURES):
            if name in (HOUR, WEEKDAY) and name not in self.calendar:
                limits[place] = 0.0
        return tuple((float(low), float(high)) for low, high in limits)

    def _longest(self) -> tuple[float, float] | None:
        if self.time_scale is None:
            return None
        gap, since = np.expm1(self.time_scale)
        return float(gap), float(since)

    def _times(self, log: EventLog) -> NDArray[np.float32]:
        features = self._raw_times(log)
        if self.time_limits:
            low, high = np.array(self.time_limits, dtype=np.float32).T
            np.clip(features, low, high, out=features)
        return features

    def _raw_times(self, log: EventLog) -> NDArray[np.float32]:
        features = np.zeros((log.n_events, len(TIME_FEATURES)), dtype=np.float32)
        if self.time_scale is not None and log.times is not None:
            features[:, :2] = _elapsed(log, log.times) / self.time_scale
            local = pd.DatetimeIndex(log.times.astype("datetime64[us]"), tz="UTC").tz_convert(self.timezone)
            features[:, 2] = (local.hour + local.minute / 60) / 24
            features[:, 3] = local.day_of_week / 7
        return features


def _taken(values: NDArray[Any] | None, rows: NDArray[np.int64]) -> NDArray[Any] | None:
    return None if values is None else values[rows]


def _elapsed(log: EventLog, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """log(1 + seconds) since the previous event and since the case's start, (events, 2); never below 0."""
    gaps = np.diff(times, prepend=times[:1])
    gaps[log.offsets[:-1]] = 0
    since_start = times - log.began
    seconds: NDArray[np.float64] = np.maximum(np.column_stack([gaps, since_start]), 0) / 1e6
    return np.log1p(seconds)


def targets(data: Sequences) -> NDArray[np.int64]:
    """The class that follows each event, (events,); `NO_TARGET` after the last event of a running case."""
    following = np.full(data.n_events, NO_TARGET, dtype=np.int64)
    following[:-1] = data.activity[1:]
    following[data.offsets[1:] - 1] = np.where(data.is_running, NO_TARGET, data.end_class)
    return following


def known_targets(data: Sequences) -> NDArray[np.int64]:
    """`targets`, `NO_TARGET` also where the activity that follows is unseen or missing."""
    following = targets(data)
    following[following < FIRST_CODE] = NO_TARGET
    return following
