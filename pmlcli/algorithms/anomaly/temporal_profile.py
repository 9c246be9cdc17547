"""Temporal profile: flags unusual waits between two activities, and unseen pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._timing import Measured, Usual, Words, explained
from pmlcli.algorithms.anomaly._values import EventDetector, Values
from pmlcli.arrays import Floats
from pmlcli.encoding.events.resources import Work, WorkEncoding
from pmlcli.eventlog.log import TIMESTAMP


@dataclass(kw_only=True)
class TemporalProfile(EventDetector[Work]):
    """Learns for each pair of activities, one soon after the other, how long the wait between them usually
    is. The score of an event grows with how far its wait is above or below, on a logarithmic scale and in
    units of the usual spread. A pair that training never saw scores like a very rare wait.
    """

    reach: Annotated[
        int, Param("How many events back an activity is paired with.", ge=1, le=50, unit="events")
    ] = 2

    source: ClassVar[str] = (
        "Stertz, Mangler, Rinderle-Ma: Temporal conformance checking at runtime based on time-infused "
        "process models. arXiv:2008.07262 (2020)"
    )

    usual: Usual = field(init=False, repr=False)

    def make_encoding(self) -> WorkEncoding:
        """Activities and times."""
        return WorkEncoding(resources="never", times="always")

    def fit(self, data: Work) -> None:
        """Learns what is usual for each pair."""
        self.usual = Usual.of(self._waits(data), flags_unseen=True)

    def values(self, data: Work) -> Values:
        """Distance from what is usual, (events, events back); explained by how long is usual."""
        waits = self._waits(data)

        def say(event: int, column: int) -> tuple[str, Words]:
            names = [data.activity_of(i) for i in (event, event - column - 1)]
            return TIMESTAMP, Words(f"`{names[0]}`", "waited", f" after `{names[1]}`")

        return Values(self.usual.oddness(waits), explained(self.usual, waits, say))

    def training_values(self, data: Work) -> Floats:
        """Distance from what is usual, each wait taken out of the counts, (events, events back)."""
        return self.usual.oddness(self._waits(data), own=1)

    def _waits(self, data: Work) -> list[Measured]:
        """The time since the previous event, since the one before it, and so on; a column each."""
        assert data.times is not None  # the encoding was asked for times
        position, found = data.position, []
        for back in range(1, self.reach + 1):
            before = np.arange(data.n_events) - back
            pairs = data.activity[before] * data.activities.size + data.activity
            kinds = np.where(position >= back, pairs, -1)
            found.append(Measured(kinds, data.times - data.times[before]))
        return found

    def state(self) -> dict[str, Any]:
        """What is usual, by name."""
        return self.usual._asdict()

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.usual = Usual(**state)
