"""Detectors that score every value of every event: events and cases from values, and reasons."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, final

import numpy as np

from pmlcli.algorithms._interface.base import Algorithm
from pmlcli.algorithms.anomaly._judgement import HasCases
from pmlcli.algorithms.anomaly._task import AUTO, TASK, AnomalyTask, Contamination
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.attributes_of_events import Events

COUNTED_EVENTS = 4
"""Events of a case that `halved_sum` adds up."""


class HasEvents(HasCases, Protocol):
    """What is needed of the encoded events of a log."""

    @property
    def offsets(self) -> Codes: ...  # noqa: D102


EventData = TypeVar("EventData", bound=HasEvents)


class Explanation(NamedTuple):
    """Why a value of an event stands out: its column and the value as people read them, what was expected in
    its place, and a sentence in process words.
    """

    attribute: str
    value: str
    expected: str
    reason: str


class Why(NamedTuple):
    """What was expected in the place of a value, and a sentence in process words."""

    expected: str
    reason: str


class Joined(NamedTuple):
    """How values (events, columns) become scores of events, and these with `offsets` scores of cases."""

    values: Callable[[Floats], Floats]
    events: Callable[[Floats, Codes], Floats]


HIGHEST = Joined(
    values=lambda values: np.asarray(values.max(axis=1)),
    events=lambda events, offsets: np.asarray(np.maximum.reduceat(events, offsets[:-1])),
)
"""The oddest value is the event's score, the oddest event the case's."""

Explain = Callable[[Codes, Codes], Sequence[Explanation]]
"""Positions of events, and of the columns of their values, to what is to be said of each: what the value is,
what was expected instead, and why.
"""


class Values(NamedTuple):
    """What a detector finds of the values of some events, all of one look at them.

    - `scores`: (events, columns), higher is more anomalous, all columns on one scale
    - `explain`: what is to be said of single ones
    """

    scores: Floats
    explain: Explain


@dataclass(frozen=True)
class EventScores:
    """Scores of values, (events, columns), of events and of cases."""

    values: Floats
    events: Floats
    cases: Floats
    offsets: Codes

    def scores(self, level: str) -> Floats:
        """Of the cases, or of the events."""
        return self.cases if level == "case" else self.events

    def oddest(self, level: str) -> Floats:
        """Of the cases, or of the highest event of each."""
        return self.cases if level == "case" else np.maximum.reduceat(self.events, self.offsets[:-1])


@dataclass(frozen=True)
class EventJudgement(EventScores):
    """Scores, and what explains single values."""

    explain: Explain

    def words(self, level: str, flagged: Codes) -> Mapping[str, Sequence[str]]:
        """Of the oddest value of each event; of a case, of its oddest event."""
        events = oddest_events(self.events, self.offsets)[flagged] if level == "case" else flagged
        told = self.explain(events, self.values[events].argmax(axis=1))
        return {name: [getattr(one, name) for one in told] for name in Explanation._fields}


@dataclass(kw_only=True)
class EventDetector(Algorithm[EventData], Generic[EventData]):
    """An algorithm of the task anomaly that scores each value of each event, such as its activity or its
    time. The score of an event is the highest of its values, that of a case the highest of its events.
    """

    contamination: Contamination = AUTO

    task: ClassVar[AnomalyTask[Any]] = TASK
    joined: ClassVar[Joined] = HIGHEST
    """How scores of values become those of events and cases."""

    @property
    @final
    def border(self) -> float | None:
        """The method's own threshold: none of these detectors has one."""
        return None

    @property
    @final
    def levels(self) -> tuple[str, ...]:
        """The levels that it can score: cases, events."""
        return ("case", "event")

    @abstractmethod
    def values(self, data: EventData) -> Values:
        """Scores of each value, and what explains them; an event's depend on its case alone, to the bit."""

    def training_values(self, data: EventData) -> Floats:
        """Scores of the values of the training log as if they were new; they set the thresholds."""
        return self.values(data).scores

    @final
    def judge(self, data: EventData) -> EventJudgement:
        """Scores, and explanations on request."""
        values, explain = self.values(data)
        return EventJudgement(*self._joined(values, data.offsets), explain)

    @final
    def judge_training(self, data: EventData) -> EventScores:
        """Scores as if the cases were new."""
        return EventScores(*self._joined(self.training_values(data), data.offsets))

    @final
    def held_out_scores(self, parts: Iterable[EventData]) -> Mapping[str, Floats]:
        """Scores of cases and events that this trial was not fitted on, which come in parts."""
        judged = [(one.cases, one.events) for one in map(self.judge, parts)]
        cases, events = (np.concatenate(scores) for scores in zip(*judged, strict=True))
        return {"case": cases, "event": events}

    def _joined(self, values: Floats, offsets: Codes) -> tuple[Floats, Floats, Floats, Codes]:
        events = self.joined.values(values)
        return values, events, self.joined.events(events, offsets), offsets


def explained(data: Events, events: Codes, columns: Codes, why: Sequence[Why]) -> list[Explanation]:
    """Explanations of these values of coded events."""
    return [
        Explanation(data.columns[column], data.text(event, column), *one)
        for event, column, one in zip(events.tolist(), columns.tolist(), why, strict=True)
    ]


def halved_sum(event_scores: Floats, offsets: Codes) -> Floats:
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


def halved_rows(values: Floats) -> Floats:
    """As `halved_sum`, of the values of each row, (rows,)."""
    highest = -np.sort(-values, axis=1)[:, :COUNTED_EVENTS]
    total = highest[:, 0]
    for place in range(1, highest.shape[1]):
        total = total + highest[:, place] / 2**place
    return np.asarray(total)


def oddest_events(event_scores: Floats, offsets: Codes) -> Codes:
    """The event with the highest score of each case, the first of equals, (cases,)."""
    highest = np.maximum.reduceat(event_scores, offsets[:-1])
    cases = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    winners = np.flatnonzero(event_scores == highest[cases])
    return winners[np.unique(cases[winners], return_index=True)[1]]
