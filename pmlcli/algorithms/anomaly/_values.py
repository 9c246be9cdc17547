"""What detectors share that score every value of every event: events and cases from values, and reasons."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pmlcli.algorithms._interface.form import Column, columns
from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._task import HELD_OUT, THRESHOLDS, AnomalyDetector
from pmlcli.encoding.base import Encoding
from pmlcli.encoding.events.attributes_of_events import EventEncoding
from pmlcli.evaluation.conformal import held_out
from pmlcli.eventlog.log import ACTIVITY, CASE_ID, TIMESTAMP, EventLog
from pmlcli.eventlog.split import Split

Scores = NDArray[np.float64]
Positions = NDArray[np.int64]

COUNTED_EVENTS = 4
"""Events of a case that `halved_sum` adds up."""


class Explanation(NamedTuple):
    """Why a value of an event stands out: what was expected in its place, and a sentence in process words."""

    expected: str
    reason: str


@dataclass(kw_only=True)
class ValueDetector(AnomalyDetector):
    """Scores each value of each event: its activity, its time, whatever it looks at. The score of an
    event is the highest of its values, that of a case the highest of its events.

    A detector of this kind says which values it scores (`value_columns`), gives `value_scores`, and explains
    single values. The event's threshold is the (1 - contamination) quantile of the training cases' highest
    event: an event is flagged when it alone would put its case among the `contamination` oddest.
    """

    levels: ClassVar[tuple[str, ...]] = ("case", "event")

    @abstractmethod
    def value_scores(self, data: Any) -> Scores:
        """(events, columns), higher is more anomalous, all columns on one scale.

        Depends on the event's case alone, to the bit.
        """

    @abstractmethod
    def explain(self, data: Any, events: Positions, columns: Positions) -> Sequence[Explanation]:
        """What was expected instead of these values (positions of events and of columns), and why."""

    @abstractmethod
    def value_columns(self, data: Any) -> tuple[str, ...]:
        """Names of the columns of `value_scores`."""

    @abstractmethod
    def value_names(self, data: Any, events: Positions, columns: Positions) -> list[str]:
        """The values as people read them."""

    def training_values(self, data: Any) -> Scores:
        """`value_scores` of the training log's events as if they were new; see `training_scores`."""
        return self.value_scores(data)

    def join_values(self, values: Scores) -> Scores:
        """Values (events, columns) to events: the highest one."""
        return np.asarray(values.max(axis=1))

    def join_events(self, events: Scores, offsets: Positions) -> Scores:
        """Events to cases: the highest one."""
        return np.asarray(np.maximum.reduceat(events, offsets[:-1]))

    def event_scores(self, data: Any) -> Scores:
        """(events,), joined from the event's values."""
        return self.join_values(self.value_scores(data))

    def score(self, data: Any) -> Scores:
        """(cases,), joined from the case's events."""
        return self.join_events(self.event_scores(data), data.offsets)

    def reasons(self, data: Any, flagged: Positions) -> list[str]:
        """Why the oddest value of each of these cases stands out."""
        scores = self.value_scores(data)
        events = oddest_events(self.join_values(scores), data.offsets)[flagged]
        columns = scores[events].argmax(axis=1)
        return [explanation.reason for explanation in self.explain(data, events, columns)]

    def level_scores(self, data: Any, level: str) -> Scores:
        """Scores of cases or of events."""
        return self.score(data) if level == "case" else self.event_scores(data)

    def calibrate(self, encoding: Encoding[Any], split: Split, log: EventLog) -> dict[str, Any]:
        """Scores of held-out cases, and of their events."""
        events = held_out(self._all_scores(encoding, split.test, "event"))
        return {**super().calibrate(encoding, split, log), HELD_OUT["event"]: events}

    def training_scores(self, data: Any) -> Scores:
        """What the training cases would score had they been new, (cases,)."""
        return self.join_events(self.join_values(self.training_values(data)), data.offsets)

    def settle(self, data: Any) -> None:
        """Sets the thresholds of cases and of events from the training log's scores, as if it were new."""
        events = self.join_values(self.training_values(data))
        oddest = np.maximum.reduceat(events, data.offsets[:-1])
        limits = (self.join_events(events, data.offsets), oddest)
        for level, scores in zip(THRESHOLDS, limits, strict=True):
            limit = np.quantile(scores, 1 - self.contamination)
            self.calibration_[THRESHOLDS[level]] = float(limit)

    def event_table(self, log: EventLog, data: Any, largest_p: float | None) -> pd.DataFrame:
        """One row an event: its keys, the verdict, and for flagged ones the value that stands out.

        `attribute` is the column of that value, `value` what it holds, `expected` what was expected there.
        """
        scores = self.value_scores(data)
        verdicts = self.verdicts(self.join_values(scores), "event", largest_p)
        flagged = np.flatnonzero(verdicts["is_anomaly"])
        columns = scores[flagged].argmax(axis=1)
        why = self.explain(data, flagged, columns) if len(flagged) else []
        names = self.value_columns(data)
        told = {
            "attribute": [names[column] for column in columns.tolist()],
            "value": self.value_names(data, flagged, columns),
            "expected": [explanation.expected for explanation in why],
            "reason": [explanation.reason for explanation in why],
        }
        keys = {CASE_ID: log.frame[CASE_ID], "event_index": log.position, ACTIVITY: log.frame[ACTIVITY]}
        if log.times is not None:
            keys[TIMESTAMP] = log.frame[TIMESTAMP]
        words = {name: _placed(texts, flagged, len(scores)) for name, texts in told.items()}
        return pd.concat([pd.DataFrame(keys), verdicts.assign(**words)], axis=1)

    def event_keys(self, log: EventLog | None) -> tuple[Column, ...]:
        """The case, the event's position in it, its activity, and its time where the log has times."""
        times = columns("time", TIMESTAMP) if log is not None and log.times is not None else ()
        position = columns("number", "event_index")
        return (*columns("text", CASE_ID), *position, *columns("text", ACTIVITY), *times)

    def output_units(self) -> dict[str, str]:
        """Units of the numeric columns."""
        return {**super().output_units(), "event_index": "position in the case, from 0"}


@dataclass(kw_only=True)
class EventDetector(ValueDetector):
    """Scores the activity, the resource and further attributes of each event, all of them coded."""

    attributes: Annotated[
        tuple[str, ...] | None,
        Param("Event columns to look at beside activity and resource; none: chosen by the log's own shape."),
    ] = None

    def make_encoding(self) -> Encoding[Any]:
        """Coded events."""
        return EventEncoding(self.attributes)

    def value_columns(self, data: Any) -> tuple[str, ...]:
        """Names of the columns of `value_scores`."""
        return tuple(data.columns)

    def value_names(self, data: Any, events: Positions, columns: Positions) -> list[str]:
        """The values as people read them."""
        return [data.text(*place) for place in zip(events.tolist(), columns.tolist(), strict=True)]


def halved_sum(event_scores: Scores, offsets: Positions) -> Scores:
    """The highest event of each case plus half of the second, a quarter of the third, ..., (cases,)."""
    cases = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    ranked = np.lexsort((-event_scores, cases))
    rank = np.arange(len(event_scores)) - offsets[cases]
    highest = np.zeros((len(offsets) - 1, COUNTED_EVENTS))
    counted = rank < COUNTED_EVENTS
    highest[cases[counted], rank[counted]] = event_scores[ranked][counted]
    total = highest[:, 0]
    for place in range(1, COUNTED_EVENTS):
        total = total + highest[:, place] / 2**place
    return total


def oddest_events(event_scores: Scores, offsets: Positions) -> Positions:
    """The event with the highest score of each case, the first of equals, (cases,)."""
    highest = np.maximum.reduceat(event_scores, offsets[:-1])
    cases = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    winners = np.flatnonzero(event_scores == highest[cases])
    return winners[np.unique(cases[winners], return_index=True)[1]]


def _placed(texts: Sequence[str], at: Positions, size: int) -> NDArray[np.object_]:
    column = np.full(size, "", dtype=object)
    column[at] = list(texts)
    return column
