"""Temporal profile: unusual waits between one activity and another, and pairs never seen together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from pmlcli.algorithms._interface.param import Param
from pmlcli.algorithms.anomaly._timing import Measured, TimingDetector
from pmlcli.encoding.events.resources import Work
from pmlcli.eventlog.log import TIMESTAMP


@dataclass(kw_only=True)
class TemporalProfile(TimingDetector):
    """Learns for each pair of activities, one soon after the other, how long the second usually waits for
    the first. An event is the odder the further its wait lies above or below, on a logarithmic scale and in
    usual spreads; a pair that training never saw is as odd as a very rare wait.
    """

    reach: Annotated[
        int, Param("So many events back an activity is paired with.", ge=1, le=50, unit="events")
    ] = 2

    source: ClassVar[str] = (
        "Stertz, Mangler, Rinderle-Ma: Temporal conformance checking at runtime based on time-infused "
        "process models. arXiv:2008.07262 (2020)"
    )

    flags_unseen: ClassVar[bool] = True

    def measured(self, data: Work) -> Sequence[Measured]:
        """The time since the previous event, since the one before it, and so on; a column each."""
        assert data.times is not None  # the encoding was asked for times
        position, found = data.position, []
        for back in range(1, self.reach + 1):
            before = np.arange(data.n_events) - back
            pairs = data.activity[before] * data.activities.size + data.activity
            kinds = np.where(position >= back, pairs, -1)
            found.append(Measured(kinds, data.times - data.times[before]))
        return found

    def value_columns(self, data: Work) -> tuple[str, ...]:
        """All of them are about the event's time."""
        return (TIMESTAMP,) * self.reach

    def words(self, data: Work, event: int, column: int) -> tuple[str, str, str]:
        """Which activity waited for which."""
        names = [data.activity_of(i) for i in (event, event - column - 1)]
        return f"`{names[0]}`", "waited", f" after `{names[1]}`"
