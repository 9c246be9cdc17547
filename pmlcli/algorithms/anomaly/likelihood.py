"""Likelihood: events that hardly ever stood where they stand, by counting what stood around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pmlcli.algorithms import _context
from pmlcli.algorithms._backoff import BackOff, packed, unpacked
from pmlcli.algorithms._event_anomaly import EventDetector, Explanation, halved_sum
from pmlcli.algorithms._evidence import Evidence, explain, gather
from pmlcli.algorithms._precedence import Precedence
from pmlcli.encoding.events import Events
from pmlcli.evaluation.conformal import held_out, p_values

COMMONPLACE = 0.3
"""What is left of a surprise in a column where every case has one as large."""


@dataclass(kw_only=True)
class LikelihoodDetector(EventDetector):
    """Counts, in the training log, what stood where. An activity is odd when another is far likelier after
    the three activities before it or before the two after it, when it is done again though it is usually done
    once, when an activity is missing that usually comes first, or when one came first that never should. An
    attribute is odd when another value is far likelier for this activity, next to the value that the event
    before or the next one has.

    The score of a value grows with the log of how much likelier the likeliest value was, and with how few
    training cases hold anything as odd in that column: in a column where surprises are daily bread they count
    little. The score of a case is its oddest event plus half of the next, a quarter of the third, and so on.
    Every count is taken as one less than it is, so that a training case scores as if it had been left out.
    """

    source: ClassVar[str] = (
        "Boehmer, Rinderle-Ma: Multi-perspective anomaly detection in business process execution events. "
        "OTM 2016; Witten, Bell: The zero-frequency problem. IEEE Trans. Inf. Theory 37 (1991)"
    )

    def fit(self, data: Events) -> None:
        """Counts, and learns how large the largest surprise of a training case is in each column."""
        counted = [BackOff.fit(view) for view in _context.counted_views(data)]
        order = Precedence.fit(data.codes[:, 0], data.offsets, data.sizes[0])
        self.counts_, self.layout_ = packed(counted)
        self.before_, self.totals_ = order.before, order.totals
        surprises = gather(data, counted, order).surprises
        oddest = np.maximum.reduceat(surprises, data.offsets[:-1], axis=0)
        self.usual_ = [held_out(column) for column in oddest.T]

    def value_scores(self, data: Events) -> NDArray[np.float64]:
        """Surprise times how rare one as large is among the training cases, (events, columns)."""
        surprises = self._evidence(data).surprises
        rarity = [-np.log(p_values(known, s)) for known, s in zip(self.usual_, surprises.T, strict=True)]
        return np.asarray((np.column_stack(rarity) + COMMONPLACE) * surprises)

    def score(self, data: Events) -> NDArray[np.float64]:
        """The oddest event plus half of the next, a quarter of the third, an eighth of the one after."""
        return halved_sum(self.event_scores(data), data.offsets)

    def explain(
        self, data: Events, events: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> Sequence[Explanation]:
        """The counts behind the largest part of each surprise."""
        return explain(data, self._evidence(data), events, columns)

    def _evidence(self, data: Events) -> Evidence:
        return gather(data, unpacked(self.counts_, self.layout_), Precedence(self.before_, self.totals_))
