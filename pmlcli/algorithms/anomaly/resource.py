"""Resources: flags people at unusual work or times, or in two steps that need two people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pmlcli.algorithms.anomaly._habits import lift, ranked, ranks_of, table, unlike
from pmlcli.algorithms.anomaly._people import (
    DAYS,
    HOURS,
    expected_work,
    pairs_of,
    same_hands,
    why_both,
    why_when,
    why_who,
)
from pmlcli.algorithms.anomaly._values import EventDetector, Explanation, Values, Why
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.resources import Work, WorkEncoding
from pmlcli.eventlog.log import RESOURCE, TIMESTAMP

WHO, EYES, HOUR, WEEKDAY = range(4)
COLUMNS = (RESOURCE, RESOURCE, TIMESTAMP, TIMESTAMP)
"""What each kind of evidence is about: the person (alone, beside another event), the hour, the weekday."""


@dataclass(kw_only=True)
class ResourceDetector(EventDetector[Work]):
    """Counts who does what, when (hour and weekday, if the log has times), and which two activities of a case
    are hardly ever done by the same person. An event is anomalous if its combination should have occurred far
    more often by chance, given how much the person does and how often the activity happens.
    """

    source: ClassVar[str] = (
        "Böhmer, Rinderle-Ma: Multi-perspective anomaly detection in business process execution events. "
        "OTM 2016; Botha, Eloff: Separation of duties in workflow environments. IBM Systems Journal 40 (2001)"
    )

    def make_encoding(self) -> WorkEncoding:
        """Activities and resources, and times where there are any."""
        return WorkEncoding(resources="always")

    def fit(self, data: Work) -> None:
        """Counts who does what and when, pairs of events by the same hands, and how common evidence is."""
        size, people = data.activities.size, data.resources.size
        self.work_ = table(data.activity, data.resource, (size, people))
        self.hours_ = table(data.resource, data.hour, (people, 24))
        self.weekdays_ = table(data.resource, data.weekday, (people, 7))
        self.pairs_, self.same_ = np.zeros((2, size, size), dtype=np.int64)
        for first, second, same in pairs_of(data):
            self.pairs_ += table(data.activity[first], data.activity[second], (size, size))
            self.same_ += table(data.activity[first[same]], data.activity[second[same]], (size, size))
        self.ranks_ = ranks_of(self._evidence(data, own=1)[0])

    def values(self, data: Work) -> Values:
        """How rare such evidence is, (events, kinds of evidence); explained by who or when is usual there."""
        evidence, partner = self._evidence(data)

        def explain(events: Codes, columns: Codes) -> list[Explanation]:
            return [
                Explanation(
                    COLUMNS[at], _value(data, event, at), *self._why(data, event, at, int(partner[event]))
                )
                for event, at in zip(events.tolist(), columns.tolist(), strict=True)
            ]

        return Values(ranked(evidence, self.ranks_), explain)

    def training_values(self, data: Work) -> Floats:
        """How rare such evidence is, each event taken out of the counts, (events, kinds of evidence)."""
        return ranked(self._evidence(data, own=1)[0], self.ranks_)

    def _evidence(self, data: Work, own: int = 0) -> tuple[Floats, Codes]:
        """How much more often than seen the person, the pair of hands, the hour and weekday were expected,
        (events, kinds); and the earlier event by the same hands, (events,).
        """
        found = np.zeros((data.n_events, 4))
        seen = self.work_[data.activity, data.resource] - own
        found[:, WHO] = lift(expected_work(self.work_, data, own), seen)
        found[:, EYES], partner = same_hands(self.work_, self.pairs_, self.same_ - own, data)
        if data.times is not None:
            found[:, HOUR] = unlike(self.hours_, data.resource, data.hour, own)
            found[:, WEEKDAY] = unlike(self.weekdays_, data.resource, data.weekday, own)
        return found, partner

    def _why(self, data: Work, event: int, column: int, partner: int) -> Why:
        who, a, b = data.resource[event], data.activity[event], data.activity[partner]
        if column == WHO:
            return why_who(self.work_, data, event)
        if column == EYES:
            return why_both(int(self.same_[b, a]), int(self.pairs_[b, a]), data, partner, event)
        if column == HOUR:
            return why_when(self.hours_[who], HOURS, data, event, int(data.hour[event]))
        return why_when(self.weekdays_[who], DAYS, data, event, int(data.weekday[event]))


def _value(data: Work, event: int, column: int) -> str:
    """The person, the hour or the weekday."""
    if column in (WHO, EYES):
        return data.person_of(event)
    return HOURS[data.hour[event]] if column == HOUR else DAYS[data.weekday[event]]
