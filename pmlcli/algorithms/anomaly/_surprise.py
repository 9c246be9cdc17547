"""Detectors whose scores are surprises, each weighed by how rare one as large is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from pmlcli.algorithms.anomaly._values import Explain, Explanation, Values
from pmlcli.arrays import Codes, Floats
from pmlcli.encoding.events.attributes_of_events import Events
from pmlcli.evaluation.conformal import held_out, p_values

COMMONPLACE = 0.3
"""What is left of a surprise in a column where every case has one as large."""


class Surprises(NamedTuple):
    """How surprising each value is, (events, columns), and what explains single ones."""

    sizes: Floats
    explain: Explain


@dataclass(kw_only=True)
class BySurprise(ABC):
    """The part of a detector of coded events that makes scores of surprises: a surprise times how rare one as
    large is among the training cases.
    """

    usual_: list[dict[str, Any]] = field(init=False, repr=False)

    _learned_from: tuple[Events, Floats] | None = field(init=False, repr=False, compare=False, default=None)

    @abstractmethod
    def surprises(self, data: Events) -> Surprises:
        """How surprising each value is, and why; depends on the event's case alone."""

    def learn_usual(self, data: Events) -> None:
        """Learns how large the largest surprise of a training case is, by column. What was found is kept for
        the next question, since the threshold is made of it.
        """
        found = self.surprises(data).sizes
        self.usual_ = usual_surprises(found, data.offsets)
        self._learned_from = (data, found)

    def values(self, data: Events) -> Values:
        """Surprise times how rare one as large is among the training cases."""
        kept, self._learned_from = self._learned_from, None
        if kept is not None and kept[0] is data:
            return Values(rare_surprises(kept[1], self.usual_), self._explain_anew(data))
        sizes, explain = self.surprises(data)
        return Values(rare_surprises(sizes, self.usual_), explain)

    def _explain_anew(self, data: Events) -> Explain:
        def explain(events: Codes, columns: Codes) -> Sequence[Explanation]:
            return self.surprises(data).explain(events, columns)

        return explain


def usual_surprises(surprises: Floats, offsets: Codes) -> list[dict[str, Any]]:
    """How large the largest surprise of a training case is, a calibration a column."""
    return [held_out(column) for column in np.maximum.reduceat(surprises, offsets[:-1], axis=0).T]


def rare_surprises(surprises: Floats, usual: Sequence[dict[str, Any]]) -> Floats:
    """Surprise times how rare one as large is among the training cases, (events, columns)."""
    rarity = [-np.log(p_values(known, column)) for known, column in zip(usual, surprises.T, strict=True)]
    return np.asarray((np.column_stack(rarity) + COMMONPLACE) * surprises)
