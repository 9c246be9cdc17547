"""Likelihood: flags events that are unlikely given the events around them, by counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pmlcli.algorithms._interface.parameters import Attributes
from pmlcli.algorithms.anomaly._counting.backoff import packed, unpacked
from pmlcli.algorithms.anomaly._counting.evidence import Counts, Evidence, explain, gather
from pmlcli.algorithms.anomaly._counting.precedence import Precedence
from pmlcli.algorithms.anomaly._surprise import BySurprise, Surprises
from pmlcli.algorithms.anomaly._values import (
    EventDetector,
    Explanation,
    Joined,
    explained,
    halved_rows,
    halved_sum,
)
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.attributes_of_events import EventEncoding, Events


def _halved_events(events: Floats, offsets: Codes) -> Floats:
    """The oddest event plus half of the next, a quarter of the third, an eighth of the one after; for the
    length of the case, since more events are more chances to be odd.
    """
    return np.asarray(halved_sum(events, offsets) / (1 + np.log1p(np.diff(offsets))))


@dataclass(kw_only=True)
class LikelihoodDetector(BySurprise, EventDetector[Events]):
    """Counts in the training log which activities and values occur in which context. An activity is anomalous
    if another is far more likely after the three activities before it or before the two after it; if it is
    repeated though it usually is not; if an activity that usually comes before it is missing; or if an
    activity that should never come before it does. It counts more if the case becomes more likely when the
    event is removed or moved, or when what is missing is inserted. An attribute is anomalous if another value
    is far more likely for this activity, next to the value of the event before or after, or beside another
    attribute of the same event.

    The score of a value grows with the log of how much more likely the most likely value was, and with how
    few training cases have one as anomalous in that column: if a column is full of surprises, they count
    little. The score of an event is that of its most anomalous value plus half of the next, a quarter of the
    third, and so on. The score of a case is made of its events in the same way, and divided by one plus the
    log of its length, because more events are more chances to be anomalous. Every count is taken as one less
    than it is, so that a training case scores as if it had been left out.
    """

    attributes: Attributes = None

    joined: ClassVar[Joined] = Joined(halved_rows, _halved_events)
    source: ClassVar[str] = (
        "Boehmer, Rinderle-Ma: Multi-perspective anomaly detection in business process execution events. "
        "OTM 2016; Witten, Bell: The zero-frequency problem. IEEE Trans. Inf. Theory 37 (1991)"
    )

    def make_encoding(self) -> EventEncoding:
        """Coded events."""
        return EventEncoding(self.attributes)

    def fit(self, data: Events) -> None:
        """Counts, and learns how large the largest surprise of a training case is in each column."""
        counts = Counts.of(data)
        self.counts_, self.layout_ = packed(counts.counted)
        self.before_, self.totals_ = counts.precedence.before, counts.precedence.totals
        self.beside_ = list(counts.beside)
        self.learn_usual(data)

    def surprises(self, data: Events) -> Surprises:
        """By counting; explained by the counts behind the largest part of each."""
        found = self._evidence(data)

        def explanations(events: Codes, columns: Codes) -> Sequence[Explanation]:
            return explained(data, events, columns, explain(data, found, events, columns))

        return Surprises(found.surprises, explanations)

    def _evidence(self, data: Events) -> Evidence:
        precedence = Precedence(self.before_, self.totals_)
        return gather(data, Counts(unpacked(self.counts_, self.layout_), precedence, self.beside_))
