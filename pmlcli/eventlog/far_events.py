"""A few events beyond a wide empty gap at either edge of a log: a mistyped year, a left-over.

They bend whatever spans from the first event to the last, so series and splits are made without them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pmlcli.eventlog.log import EventLog, offsets_of
from pmlcli.eventlog.times.local_time import DAY

EDGE_SHARE = 0.01
EDGE_EVENTS = 3
TIMES_WIDER = 10
SPAN_SHARE = 0.25
EVENTS_NEEDED = 50
"""Far are at most 1 % of the events (or 3) at an edge, of 50 at least, beyond a gap ten times as wide as any
inside the log and a quarter as long as the rest of it."""
CASES_NEEDED = 20
LARGEST_CASE = 0.1
"""In a log of so many cases one whole case may be far, of at most this share of the events."""


class FarEvents(NamedTuple):
    """Which of some moments lie beyond a gap before or after all others, (events,) each; the moments."""

    early: NDArray[np.bool_]
    late: NDArray[np.bool_]
    times: NDArray[np.int64]

    @property
    def flags(self) -> NDArray[np.bool_]:
        """The far ones of either edge, (events,)."""
        return np.asarray(self.early | self.late)

    @property
    def gap(self) -> tuple[int, int]:
        """The moments between which the widest of the empty gaps lies."""
        near = self.times[~self.flags]
        before, after = self.times[self.early], self.times[self.late]
        gaps = [(int(before.max()), int(near.min()))] if len(before) else []
        gaps += [(int(near.max()), int(after.min()))] if len(after) else []
        return max(gaps, key=lambda gap: gap[1] - gap[0])

    @property
    def days(self) -> int:
        """Whole days of that gap."""
        return (self.gap[1] - self.gap[0]) // DAY


def far_among(times: NDArray[np.int64], largest_case: int = 0) -> FarEvents | None:
    """The far ones of these moments (microseconds, in any order); None where there are none.

    So many as the largest case has may be far together, also where they are more than 1 %.
    """
    if len(times) < EVENTS_NEEDED:
        return None
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order])
    edge = max(EDGE_EVENTS, int(EDGE_SHARE * len(times)), largest_case)
    span = int(times[order[-edge - 1]] - times[order[edge]])
    limit = max(TIMES_WIDER * max(int(gaps[edge:-edge].max()), DAY), SPAN_SHARE * span)
    wide = np.flatnonzero(gaps > limit)
    if not len(wide):
        return None
    early, late = np.zeros((2, len(times)), dtype=np.bool_)
    early[order[: int(wide[wide < edge].max(initial=-1)) + 1]] = True
    late[order[int(wide[wide >= edge].min(initial=len(gaps))) + 1 :]] = True
    return FarEvents(early, late, times)


def far_events(log: EventLog) -> FarEvents | None:
    """The events that begin long before all others, and those of cases that begin long after them.

    The late events of a case that began among the others are not far: such a case is slow, or the log was
    chosen by case start. None where there are none, and without times.
    """
    far = None if log.times is None else far_among(log.begins, events_of_a_case(log))
    if far is None:
        return None
    begins_late = np.bincount(log.case_of_event[~far.late], minlength=log.n_cases) == 0
    found = far._replace(late=far.late & begins_late[log.case_of_event])
    return found if found.flags.any() else None


def far_moments(log: EventLog) -> FarEvents | None:
    """The events that begin long before all others or end long after them, those of slow cases too.

    None where there are none, and without times.
    """
    if log.times is None:
        return None
    largest = events_of_a_case(log)
    began = far_among(log.begins, largest)
    if log.begins is log.times:
        return began
    ended = far_among(log.times, largest)
    if ended is None or began is None:
        return ended or began
    late = ended.late | began.late
    return FarEvents(began.early | ended.early, late, np.where(late, log.times, log.begins))


def events_of_a_case(log: EventLog) -> int:
    """How many events the longest case has, where one case is few among many."""
    if log.n_cases < CASES_NEEDED:
        return 0
    return min(int(log.lengths.max()), int(LARGEST_CASE * log.n_events))


def near_events(log: EventLog) -> EventLog:
    """The log without its far events; cases without any other are gone."""
    return _without(log, far_events(log))


def near_moments(log: EventLog) -> EventLog:
    """The log without what lies far from all others, of slow cases too; cases without any other are gone."""
    return _without(log, far_moments(log))


def _without(log: EventLog, far: FarEvents | None) -> EventLog:
    if far is None:
        return log
    lengths = np.bincount(log.case_of_event[~far.flags], minlength=log.n_cases)
    near = log.take_rows(np.flatnonzero(~far.flags), offsets_of(lengths[lengths > 0]))
    until = log.until if near.times is None or log.until is None else min(log.until, int(near.times.max()))
    return replace(near, until=until)


def near_end(log: EventLog) -> int | None:
    """The last moment that the log tells of, microseconds UTC, but for far ones: a mistyped year is none.

    What is running, silent, watched or held out is decided then. None without times or events.
    """
    if log.until is not None or log.times is None or not log.n_events:
        return log.until
    last = int(log.times.max())
    if not _may_be_far(log.times, last, events_of_a_case(log)):
        return last
    far = far_moments(log)
    return last if far is None else int(log.times[~far.flags].max())


def _may_be_far(times: NDArray[np.int64], last: int, largest: int) -> bool:
    """Whether the last event, or so many, lie beyond a gap; without sorting all of them."""
    edge = max(EDGE_EVENTS, int(EDGE_SHARE * len(times)), largest)
    if len(times) < EVENTS_NEEDED:
        return False
    latest = np.sort(np.partition(times, -edge - 1)[-edge - 1 :])
    return bool(last - latest[0] > TIMES_WIDER * DAY and np.diff(latest).max() > TIMES_WIDER * DAY)


def near_cases(log: EventLog) -> EventLog:
    """The log without the cases all of whose events are far."""
    far = far_events(log)
    if far is None:
        return log
    has_near = np.bincount(log.case_of_event[~far.flags], minlength=log.n_cases) > 0
    return log if has_near.all() else log.take_cases(np.flatnonzero(has_near))
